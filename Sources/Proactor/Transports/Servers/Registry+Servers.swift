extension Registry where Member == Listener {
    /// The servers that accept, each as often as it listens.
    var servers: [Server] { members.compactMap(\.server) }
}

extension Registry where Member == LoopTransport {
    /// The servers that have connections, each as often as it has.
    var servers: [Server] { members.compactMap(\.server) }

    /// The transports of one server.
    func transports(of server: Server) -> [StreamSocketTransport] {
        members.compactMap { $0.server === server ? $0 as? StreamSocketTransport : nil }
    }
}
