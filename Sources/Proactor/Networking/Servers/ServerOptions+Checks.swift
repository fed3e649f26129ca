extension ServerOptions {
    /// Refuses what the endpoint has no use for: passed over, it would be missed later.
    func check() throws(EventLoopError) {
        if let maxConnections, maxConnections < 1 {
            throw Self.refused(
                "maxConnections",
                "is above zero, not \(maxConnections); nil is without a bound"
            )
        }
        if let idleTimeout, idleTimeout <= .zero {
            throw Self.refused("idleTimeout", "is above zero, not \(idleTimeout); nil is without one")
        }
        switch endpoint {
        case .tcp, .service:
            guard permissions == nil else {
                throw Self.refused("permissions", "goes with a Unix socket's path")
            }
        case .unix(let address):
            let isPath = address.pathBytes != nil
            guard permissions == nil || isPath else { throw Self.refused("permissions", "goes with a path") }
            guard family == nil || family == .unix else { throw Self.refused("family", "is of another kind") }
            guard !keepAlive else { throw Self.refused("keepAlive", "is for TCP") }
            try checkNothingIsAboutBinding("is for TCP")
        case .socket:
            let reason = "comes too late for a socket that is bound: set it before"
            guard permissions == nil else { throw Self.refused("permissions", reason) }
            try checkNothingIsAboutBinding(reason)
        }
    }

    private func checkNothingIsAboutBinding(_ reason: String) throws(EventLoopError) {
        guard reuseAddressIfSet != true else { throw Self.refused("reuseAddress", reason) }
        guard !reusePort else { throw Self.refused("reusePort", reason) }
        guard !samePort else { throw Self.refused("samePort", "is for port 0 on several addresses") }
        guard flags == .passive || flags.isEmpty else {
            throw Self.refused("flags", "is for names that are looked up")
        }
    }

    private static func refused(_ option: String, _ reason: String) -> EventLoopError {
        .invalidArgument("the server's option \(option) \(reason)")
    }
}
