extension Server {
    /// Accepts until one of the signals comes, and then stops gracefully, as ``shutdownGracefully(timeout:)``: the connections have
    /// so long to end. A second signal ends the program at once, as the kernel does it.
    ///
    /// The signals are the server's meanwhile; who handled them before does so again afterwards. It stops as gracefully when the
    /// server is closed, and when the calling task is cancelled.
    ///
    /// ```swift
    /// try await server.serve(until: [.terminate, .interrupt], grace: .seconds(2))
    /// ```
    ///
    /// - Parameters:
    ///   - signals: those that ask the server to stop.
    ///   - grace: how long connections have; zero or less aborts at once those that do not close at once.
    /// - Returns: how many connections ended in time, and how many were aborted.
    /// - Throws: `CancellationError` when the calling task was cancelled; ``SignalError``; as ``serveForever()`` otherwise.
    @discardableResult
    nonisolated(nonsending) public func serve(
        until signals: [Signal] = [.terminate, .interrupt],
        grace: Duration
    ) async throws -> ShutdownSummary {
        try loop.checkUsable("serve")
        let end = SignalledEnd(signals: signals) { self.close() }
        try loop.addEnd(end)
        defer { loop.removeEnd(end) }
        do {
            try await untilClosed()
        } catch is CancellationError {
            await loop.drain([self], timeout: grace, isCutShortByCancel: false)
            throw CancellationError()
        }
        let summary = await loop.drain([self], timeout: grace, isCutShortByCancel: false)
        try checkCancellation()
        return summary
    }
}
