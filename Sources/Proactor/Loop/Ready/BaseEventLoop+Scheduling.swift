extension BaseEventLoop {
    @discardableResult
    public func callSoon(_ callback: @escaping () throws -> Void) throws(EventLoopError) -> Handle {
        try checkUsable("callSoon")
        guard isWithinTask else { return ready.append(.callback(callback)) }
        return ready.append(.contextCallback(captureContext(callback)))
    }

    public func callSoonThreadSafe(_ callback: sending @escaping () throws -> Void) throws(EventLoopError) {
        guard isWithinTaskOfAnyThread else {
            guard inbox.post(.callback(callback)) else { throw postingRefusal }
            return
        }
        // Only when the loop takes it: the job of a task that is made for nothing would never run.
        guard inbox.post(by: { .contextCallback(captureContext(callback)) }) else { throw postingRefusal }
    }

    private var postingRefusal: EventLoopError { isForked ? .usedAfterFork : .closed }

    @discardableResult
    public func callLater(
        _ delay: Duration,
        _ callback: @escaping () throws -> Void
    ) throws(EventLoopError) -> TimerHandle {
        try checkUsable("callLater")
        return schedule(at: time().advanced(by: delay), callback)
    }

    @discardableResult
    public func callAt(
        _ when: LoopInstant,
        _ callback: @escaping () throws -> Void
    ) throws(EventLoopError) -> TimerHandle {
        try checkUsable("callAt")
        return schedule(at: when, callback)
    }

    public func time() -> LoopInstant {
        system.now()
    }

    private func schedule(at when: LoopInstant, _ callback: @escaping () throws -> Void) -> TimerHandle {
        timers.insert(
            isWithinTask ? .contextCallback(captureContext(callback)) : .callback(callback),
            at: when
        )
    }
}
