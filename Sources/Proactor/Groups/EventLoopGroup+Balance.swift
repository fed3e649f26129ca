/// Servers whose connections go to the loop that is least busy.
extension EventLoopGroup {
    /// Listens on the first loop, and makes a part of the server on each of the others, which is handed its connections.
    nonisolated(nonsending) func bindBalanced(
        _ options: ServerOptions,
        _ protocolFactory: @escaping @Sendable () throws -> any ConnectionProtocol
    ) async throws -> EventLoopGroupServer {
        let first = members[0]
        let (accepting, addresses) = try await first.runCoroutineThreadSafe {
            let server = try await first.createServer(options, protocolFactory: protocolFactory)
            let addresses = try server.sockets.map { try $0.localAddress() }
            return (SpreadPart(server, ConnectionStall(of: server)), addresses)
        }.valueEvenIfCancelled()
        var parts = [accepting]
        do {
            for loop in members.dropFirst() {
                try checkCancellation()
                let part = try await loop.runCoroutineThreadSafe {
                    try loop.checkUsable("createServer")
                    let server = Server(
                        loop: loop,
                        listeners: [],
                        options: options,
                        protocolFactory: protocolFactory
                    )
                    return SpreadPart(server, accepting.share.stall)
                }.valueEvenIfCancelled()
                parts.append(part)
            }
            try checkCancellation()
            let all = parts
            try await first.runCoroutineThreadSafe { accepting.balance(all) }.valueRegardless()
        } catch {
            for part in parts { try? part.server.post { $0.close() } }
            throw error
        }
        return EventLoopGroupServer(servers: parts.map(\.server), loops: members, addresses: addresses)
    }
}

/// A loop's part of such a server.
private struct SpreadPart: Sendable {
    let server: LoopBound<Server>
    let share: ConnectionShare
    private let load: LoopLoad
    private let backendType: ObjectIdentifier

    /// On the loop's thread.
    init(_ server: Server, _ stall: ConnectionStall) {
        let loop = server.loop
        self.server = LoopBound(server, of: loop)
        share = ConnectionShare(atMost: server.maxConnections, stall)
        load = loop.watchLoad()
        backendType = ObjectIdentifier(type(of: loop.backend))
        server.join(share)
    }

    /// Has the server of this part, which accepts, hand on to all of them. On its loop's thread.
    func balance(_ all: [SpreadPart]) {
        let parts = all.map { part in
            ConnectionBalancer.Part(
                server: part.server === server ? nil : part.server,
                share: part.share,
                load: part.load,
                needsAdopting: part.backendType != backendType
            )
        }
        server.value.balance(by: ConnectionBalancer(parts))
    }
}
