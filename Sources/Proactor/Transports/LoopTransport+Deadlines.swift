/// What the clock does to a transport. Most have none of it.
final class TransportDeadlines {
    /// Ends a close that takes too long.
    var closing: TimerHandle?
    /// Looks whether anything has moved.
    var idling: TimerHandle?
    /// How long nothing may move.
    var idleTimeout: Duration?
    /// When something was last seen to have moved.
    var movedAt: LoopInstant?
    /// What was to be sent at that time, and how much of a file had been.
    var unsent = 0
    var sentOfFile: Int64 = 0
    /// Whether anything had ever been received or written by then.
    var wasUsed = false

    /// The connection is lost.
    func end() {
        closing?.cancel()
        idling?.cancel()
    }
}

extension LoopTransport {
    /// Made with the first use.
    func makeDeadlines() -> TransportDeadlines {
        if let deadlines { return deadlines }
        let new = TransportDeadlines()
        deadlines = new
        return new
    }

    func close(timeout: Duration) {
        loop.checkThread("close")
        close()
        guard phase == .flushing else { return }
        guard timeout > .zero else { return loseConnection(TimeoutError(timeout: timeout)) }
        let deadlines = makeDeadlines()
        deadlines.closing?.cancel()
        let due = loop.time().advanced(by: timeout)
        deadlines.closing = loop.timers.insert(
            .callback { self.loseConnection(TimeoutError(timeout: timeout)) },
            at: due
        )
    }

    func abort(withReset: Bool) {
        loop.checkThread("abort")
        // One that is lost already may still be reset, as long as it is not closed.
        if withReset { resetsAtEnd = true }
        abort()
    }
}
