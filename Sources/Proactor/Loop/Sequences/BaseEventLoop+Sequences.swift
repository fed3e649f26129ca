extension BaseEventLoop {
    public func ticks(every interval: Duration) throws(EventLoopError) -> LoopTicks {
        try checkUsable("ticks")
        guard interval > .zero else {
            throw .invalidArgument("ticks need an interval above zero, not \(interval)")
        }
        return LoopTicks(loop: self, interval: interval)
    }

    nonisolated(nonsending) public func shutdownAsyncSequences() async throws {
        try checkUsable("shutdownAsyncSequences")
        for sequence in sequences.shutDown() { sequence.finish() }
        // Those that waited for an element are in the ready queue now, before this.
        let turn = createFuture()
        ready.push(.callback { turn.succeed(()) })
        await turn.untilDoneRegardless()
    }

    /// Takes in an iteration that begins; `nil` when it must not, because the loop's sequences have been ended.
    func register(_ sequence: any OpenSequence) -> UInt64? {
        guard !isClosed, !sequences.isShutDown else {
            logger.warning(
                "an async sequence of an event loop was iterated after shutdownAsyncSequences: it ends at once"
            )
            return nil
        }
        return sequences.insert(sequence)
    }
}
