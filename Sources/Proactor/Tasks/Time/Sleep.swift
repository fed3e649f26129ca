/// Suspends the task for a time on the clock of the loop that runs it. Unlike `Task.sleep` it takes no other thread along, and
/// goes by the loop's time wherever that is simulated.
///
/// A time of zero or less lets everything else that is ready have its turn, and goes on in the next one.
///
/// ```swift
/// try await sleep(for: .seconds(1))
/// ```
///
/// - Throws: `CancellationError` when the task is cancelled, ``EventLoopError/noRunningLoop``.
public nonisolated(nonsending) func sleep(for delay: Duration) async throws {
    let loop = try loopToWaitOn()
    try checkCancellation()
    guard delay <= .zero else {
        return try await loop.sleepUncheckedly(until: loop.time().advanced(by: delay))
    }
    await loop.letOthersRun()
    try checkCancellation()
}

/// As ``sleep(for:)``, up to an instant of the loop's clock.
///
/// ```swift
/// try await sleep(until: loop.time().advanced(by: .seconds(1)))
/// ```
///
/// - Throws: as there.
public nonisolated(nonsending) func sleep(until deadline: LoopInstant) async throws {
    let loop = try loopToWaitOn()
    try await sleep(for: loop.time().duration(to: deadline))
}

/// The loop that runs this task.
func loopToWaitOn() throws(EventLoopError) -> BaseEventLoop {
    guard let loop = runningLoop() else { throw .noRunningLoop }
    return loop
}

extension BaseEventLoop {
    /// Suspends the task until the next turn. `Task.yield` does the same by a job that makes the task ready, which is a turn and an
    /// allocation more.
    fileprivate nonisolated(nonsending) func letOthersRun() async {
        let waiter = waiters.take(for: self)
        waiter.queueForNextTurn()
        ready.push(.wake(.passUnretained(waiter)))
        await waiter.suspendRegardless()
        waiters.giveBack(waiter)
    }

    fileprivate nonisolated(nonsending) func sleepUncheckedly(until deadline: LoopInstant) async throws {
        let waiter = waiters.take(for: self)
        sleepers.append(waiter)
        // Not by callAt, which would carry the task's context along.
        let timer = timers.insert(
            .callback { [sleepers] in
                // A timer that was due with this one may have cancelled the wait, whose task has not gone on yet.
                if waiter.phase == .queued { sleepers.wake(waiter) }
            },
            at: deadline
        )
        await waiter.suspend()
        let outcome = waiter.outcome
        if outcome == .cancelled { timer.cancel() }
        waiters.giveBack(waiter)
        if outcome != .woken { throw CancellationError() }
    }
}
