extension EventLoopGroup {
    /// Listens with the group, and makes a protocol for each connection on one of its loops.
    ///
    /// Unless told otherwise, each loop has a socket of its own, and all of them share the port (`SO_REUSEPORT`): the kernel
    /// spreads the connections over them by the peers' addresses and ports. With port 0 the kernel chooses one, and every loop
    /// listens there. No loop accepts before all of them are bound. With ``ConnectionSpreading/leastBusy`` the first loop accepts for
    /// all of them, at any kind of address.
    ///
    /// - Parameters:
    ///   - options: where and how to listen; where the kernel spreads, the port is shared whatever `reusePort` says.
    ///   - spreading: how connections are spread over the loops.
    ///   - protocolFactory: called for each connection, on the thread of the loop that has it.
    /// - Throws: as ``NetworkEventLoop/createServer(_:protocolFactory:)``;
    ///   ``EventLoopError/invalidArgument(_:)`` for a Unix socket or a socket of your own that the kernel shall spread: their
    ///   addresses cannot be shared. When one loop fails, no loop listens.
    public nonisolated(nonsending) func createServer(
        _ options: ServerOptions,
        spreading: ConnectionSpreading = .byKernel,
        protocolFactory: @escaping @Sendable () throws -> any ConnectionProtocol
    ) async throws -> EventLoopGroupServer {
        switch (options.endpoint, spreading) {
        case (.tcp, _), (.service, _), (_, .leastBusy): break
        case (.unix, .byKernel), (.socket, .byKernel):
            throw EventLoopError.invalidArgument(
                "the kernel spreads TCP servers only; spread one at a Unix address, or on a socket, by leastBusy"
            )
        }
        try checkCancellation()
        var unstarted = options
        unstarted.startServing = false
        let server: EventLoopGroupServer
        switch spreading {
        case .byKernel:
            unstarted.reusePort = true
            server = try await bind(unstarted, protocolFactory)
        case .leastBusy:
            server = try await bindBalanced(unstarted, protocolFactory)
        }
        guard options.startServing else { return server }
        do {
            try await server.startServing()
            try checkCancellation()
        } catch {
            server.close()
            throw error
        }
        return server
    }

    private nonisolated(nonsending) func bind(
        _ options: ServerOptions,
        _ protocolFactory: @escaping @Sendable () throws -> any ConnectionProtocol
    ) async throws -> EventLoopGroupServer {
        let first = members[0]
        let (firstServer, addresses) = try await first.runCoroutineThreadSafe {
            let server = try await first.createServer(options, protocolFactory: protocolFactory)
            let addresses = try server.sockets.map { try $0.localAddress() }
            return (LoopBound(server, of: first), addresses)
        }.valueEvenIfCancelled()
        var servers = [firstServer]
        do {
            for loop in members.dropFirst() {
                try checkCancellation()
                let server = try await loop.runCoroutineThreadSafe {
                    let server = try loop.createServer(
                        at: addresses,
                        options,
                        protocolFactory: protocolFactory
                    )
                    return LoopBound(server, of: loop)
                }.valueEvenIfCancelled()
                servers.append(server)
            }
            try checkCancellation()
        } catch {
            for server in servers { try? server.post { $0.close() } }
            throw error
        }
        return EventLoopGroupServer(servers: servers, loops: members, addresses: addresses)
    }

    /// Ends the group gracefully: every server of every loop stops accepting, connections have time to end, those that
    /// are left are aborted, and then the loops end as ``shutdown()`` says. Returns when their threads are done.
    ///
    /// Which connections end early is up to their protocols: see ``Server/shutdownGracefully(timeout:)``. Connections
    /// that the loops have made themselves are left alone until the servers' are gone.
    ///
    /// May be called from anywhere. On one of the group's own loops it returns before the loops have ended, when the
    /// last connection is gone: a loop cannot wait for its own end. Cancelling the calling task cuts the time short: the
    /// rest is aborted at once.
    ///
    /// - Parameter timeout: how long connections have.
    /// - Returns: how many connections ended in time, and how many were aborted.
    @discardableResult
    public nonisolated(nonsending) func shutdownGracefully(timeout: Duration) async -> ShutdownSummary {
        // A loop that is closed already has nothing to drain.
        let drains = members.compactMap { loop in
            try? RemoteDrain(on: loop, timeout: timeout) { $0.openServers }
        }
        let summary = await RemoteDrain.summary(of: drains)
        shutdown()
        if currentLoop == nil { _ = await GroupEnd(of: threads).wait() }
        return summary
    }
}
