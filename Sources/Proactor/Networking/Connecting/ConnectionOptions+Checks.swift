extension ConnectionOptions {
    /// Refuses what the endpoint has no use for: passed over, it would be missed later.
    func check() throws(EventLoopError) {
        if host == nil { try tls?.checkHasServerName() }
        switch endpoint {
        case .tcp, .service:
            return
        case .unix:
            guard family == nil || family == .unix else {
                throw .invalidArgument("a Unix socket cannot be of the family \(family!)")
            }
        case .socket:
            break
        }
        let isAboutAddresses =
            localAddress != nil || happyEyeballsDelay != nil || interleave != nil || protocolNumber != 0
            || !flags.isEmpty
        guard !isAboutAddresses else {
            throw .invalidArgument(
                "localAddress, happyEyeballsDelay, interleave, protocolNumber and flags go with a host and a port"
            )
        }
    }

    /// Whom it means to reach, where that is known by name.
    var host: String? {
        switch endpoint {
        case .tcp(let host, _), .service(let host, _): host
        case .unix, .socket: nil
        }
    }
}
