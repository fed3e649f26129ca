extension DatagramOptions {
    /// Refuses what the endpoint has no use for: passed over, it would be missed later.
    func check() throws(EventLoopError) {
        let isAboutUDP = reusePort || allowBroadcast || protocolNumber != 0 || !flags.isEmpty
        switch endpoint {
        case .udp, .service:
            guard permissions == nil else {
                throw .invalidArgument("permissions goes with the path of a Unix socket")
            }
        case .unix(let local, _):
            guard permissions == nil || local?.pathBytes != nil else {
                throw .invalidArgument("permissions goes with a local path")
            }
            guard !isAboutUDP, family == nil || family == .unix else {
                throw .invalidArgument(
                    "reusePort, allowBroadcast, protocolNumber, flags and another family are for UDP"
                )
            }
        case .socket:
            guard !isAboutUDP, permissions == nil else {
                throw .invalidArgument(
                    "a socket of the caller's has the options that it has: set them before"
                )
            }
        }
    }
}
