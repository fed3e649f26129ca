extension Server {
    /// Stops gracefully: stops accepting, gives the connections time to end, and aborts those that are left when it is
    /// over. Returns when the last one is lost.
    ///
    /// Each protocol is asked by ``ConnectionProtocol/shutdownRequested()``. One that has no say in it, because it does
    /// not implement that, is left alone until either side closes, but for a connection on which nothing has been
    /// received and nothing written yet: that one is closed. Connections that the kernel has taken in and the server
    /// has not accepted are refused.
    ///
    /// Cancelling the calling task cuts the time short: the rest is aborted at once.
    ///
    /// ```swift
    /// let summary = await server.shutdownGracefully(timeout: .seconds(30))
    /// ```
    ///
    /// - Parameter timeout: how long connections have; zero or less aborts at once those that do not close at once.
    /// - Returns: how many connections ended in time, and how many were aborted.
    @discardableResult
    nonisolated(nonsending) public func shutdownGracefully(timeout: Duration) async -> ShutdownSummary {
        loop.checkThread("shutdownGracefully")
        return await loop.drain([self], timeout: timeout)
    }

    /// How long a connection that is being closed may take to send what was written.
    private static let closingTime = Duration.seconds(30)

    /// Returns when the last connection is lost. When the calling task is cancelled, now or before, they are closed.
    nonisolated(nonsending) func outlastConnections() async {
        guard !isDrained, !loop.isClosed else { return }
        await makeCloseWaiter().untilDone { self.endClients() }
    }

    /// Closes the connections, and aborts those that a peer holds up.
    private func endClients() {
        guard !isDrained else { return }
        closeClients()
        let due = loop.time().advanced(by: Self.closingTime)
        let timer = loop.timers.insert(.callback { self.abortClients() }, at: due)
        whenDrained { timer.cancel() }
    }

    /// A future that is done when the server is closed and has no connection left.
    func makeCloseWaiter() -> Future<Void> {
        let waiter = loop.createFuture()
        if isDrained { waiter.succeed(()) } else { closeWaiters.append(waiter) }
        return waiter
    }

    func wakeIfDrained() {
        guard isDrained else { return }
        context.take()?.end()
        let waiters = closeWaiters
        closeWaiters = []
        for waiter in waiters where waiter.isPending { waiter.succeed(()) }
    }

    /// Its loop is closed, and nobody will hear that it is drained: what waits for it may hold it, and the loop with it.
    func loopClosed() {
        closeWaiters = []
        context.take()?.end()
    }

    /// Calls `body` in the turn after it is closed and has no connection left.
    func whenDrained(_ body: @escaping () -> Void) {
        _ = makeCloseWaiter().addPlainDoneCallback { _ in body() }
    }
}

extension BaseEventLoop {
    nonisolated(nonsending) public func shutdownServers(timeout: Duration) async throws -> ShutdownSummary {
        try checkUsable("shutdownServers")
        return await drain(openServers, timeout: timeout)
    }

    /// The servers that accept, are handed connections or have some, each once.
    var openServers: [Server] {
        var seen = Set<ObjectIdentifier>()
        return (openListeners.servers + spreadServers + openTransports.servers).filter {
            seen.insert(ObjectIdentifier($0)).inserted
        }
    }

    @discardableResult
    nonisolated(nonsending) func drain(
        _ servers: [Server],
        timeout: Duration,
        isCutShortByCancel: Bool = true
    ) async -> ShutdownSummary {
        guard !isClosed else { return ShutdownSummary() }
        let over = createFuture(of: ShutdownSummary.self)
        let drain = ServerDrain(servers, of: self)
        drain.begin(timeout: timeout) { summary in over.succeed(summary) }
        if isCutShortByCancel {
            await over.untilDone { drain.abortRest() }
        } else {
            await over.untilDoneRegardless()
        }
        return (try? over.result()) ?? ShutdownSummary()
    }
}

extension StreamSocketTransport {
    /// Its server stops: the protocol says what becomes of the connection.
    func askToShutDown() {
        guard phase == .open, let currentProtocol else { return }
        do {
            switch try currentProtocol.shutdownRequested() {
            case .close: beginClosing()
            case .whenDone: break
            case .undecided: if !wasEverUsed { beginClosing() }
            }
        } catch {
            protocolFailed(error, in: "shutdownRequested")
        }
    }
}
