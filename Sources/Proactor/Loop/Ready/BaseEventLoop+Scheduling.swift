extension BaseEventLoop {
    @discardableResult
    public func callSoon(_ callback: @escaping () throws -> Void) throws(EventLoopError) -> Handle {
        try checkUsable("callSoon")
        guard isWithinTask else { return ready.append(.callback(callback)) }
        return callSoonInContext(callback)
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
        backend.system.now()
    }

    private func schedule(at when: LoopInstant, _ callback: @escaping () throws -> Void) -> TimerHandle {
        guard isWithinTask else { return timers.insert(.callback(callback), at: when) }
        // The callback has to know its handle, and the handle is known only when the timer stands.
        let handle = timers.insert(.empty, at: when)
        let job = captureContext { if !handle.cancelled { try callback() } }
        handle.replace(with: .contextCallback(job))
        return handle
    }

    private func callSoonInContext(_ callback: @escaping () throws -> Void) -> Handle {
        // The callback has to know its handle, and the handle is known only when the callback is queued.
        let slot = HandleSlot()
        let job = captureContext {
            if slot.handle?.cancelled != true { try callback() }
        }
        let handle = ready.append(.contextCallback(job))
        slot.handle = handle
        return handle
    }
}

/// Where a context callback finds its own handle.
private final class HandleSlot {
    var handle: Handle?
}
