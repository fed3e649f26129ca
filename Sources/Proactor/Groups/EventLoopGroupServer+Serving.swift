extension EventLoopGroupServer {
    /// Accepts on every loop until one of the signals comes, and then stops gracefully, as ``shutdownGracefully(timeout:)``: the
    /// connections have so long to end. A second signal ends the program at once, as the kernel does it.
    ///
    /// The signals are the server's meanwhile; who handled them on the group's first loop before does so again afterwards. It stops as
    /// gracefully when the server is closed, and when the calling task is cancelled; in a task that is cancelled beforehand it
    /// accepts nobody. The loops run on.
    ///
    /// ```swift
    /// try await server.serve(until: [.terminate, .interrupt], grace: .seconds(2))
    /// ```
    ///
    /// - Parameters:
    ///   - signals: those that ask the server to stop.
    ///   - grace: how long connections have; zero or less aborts at once those that do not close at once.
    /// - Returns: how many connections of all loops ended in time, and how many were aborted.
    /// - Throws: `CancellationError` when the calling task was cancelled; ``SignalError``;
    ///   ``EventLoopError/invalidState(_:)`` when the server was closed before, or is served twice; ``EventLoopError/closed`` when the
    ///   group is shut down meanwhile; ``SocketError`` when a socket cannot listen.
    @discardableResult
    public nonisolated(nonsending) func serve(
        until signals: [Signal] = [.terminate, .interrupt],
        grace: Duration
    ) async throws -> ShutdownSummary {
        try beginServing()
        defer { endServing() }
        let end = try await addEnd(by: signals)
        do {
            let summary = try await serveAndDrain(grace)
            await remove(end)
            try checkCancellation()
            return summary
        } catch EventLoopError.closed {
            // With the loops everything on them ends, the signals too. A task that came late would be left there for good.
            throw EventLoopError.closed
        } catch {
            await remove(end)
            throw error
        }
    }

    private nonisolated(nonsending) func serveAndDrain(_ grace: Duration) async throws -> ShutdownSummary {
        do {
            // Cancelled before it begins, it ends as it would later.
            try checkCancellation()
            try await startServing()
            try await untilClosed()
        } catch is CancellationError {
            // A loop that ends cancels what waits on it, and aborts its connections itself.
            guard Task.isCancelled else { throw EventLoopError.closed }
            await drain(timeout: grace, isCutShortByCancel: false)
            throw CancellationError()
        }
        return await drain(timeout: grace, isCutShortByCancel: false)
    }

    /// Returns when it is closed on every loop.
    private nonisolated(nonsending) func untilClosed() async throws {
        try await withThrowingTaskGroup(of: Void.self) { waits in
            for server in servers {
                waits.addTask {
                    // It was serving already, and may have been closed meanwhile.
                    try await server.run { if !$0.isClosed { try await $0.untilClosed() } }
                }
            }
            try await waits.waitForAll()
        }
    }

    // MARK: - Signals

    /// Has the first loop listen for the signals, in a task that is cancelled too.
    private nonisolated(nonsending) func addEnd(by signals: [Signal]) async throws -> LoopBound<SignalledEnd>
    {
        let loop = loops[0]
        do {
            return try await loop.runCoroutineThreadSafe {
                let end = SignalledEnd(signals: signals) { self.close() }
                try loop.addEnd(end)
                return LoopBound(end, of: loop)
            }.valueRegardless()
        } catch is CancellationError {
            // Whatever becomes of the calling task: the loop has cancelled it, as it ends.
            throw EventLoopError.closed
        }
    }

    private nonisolated(nonsending) func remove(_ end: LoopBound<SignalledEnd>) async {
        let loop = loops[0]
        // A loop that is closed has no handlers any more.
        try? await loop.runCoroutineThreadSafe { loop.removeEnd(end.value) }.valueRegardless()
    }
}
