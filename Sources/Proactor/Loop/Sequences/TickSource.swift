/// One iteration over ``LoopTicks``.
final class TickSource: OpenSequence {
    private let loop: BaseEventLoop
    private let interval: Int64
    /// When the next tick is due; `nil` before the first.
    private var due: LoopInstant?
    private var registration: UInt64?
    /// Set while somebody waits for a tick.
    private var waiter: Future<Void>?
    private var isFinished = false

    init(loop: BaseEventLoop, interval: Duration) {
        self.loop = loop
        self.interval = interval.nanosecondsRoundedUp
    }

    deinit {
        guard let registration else { return }
        guard !loop.isOnLoopThread else { return loop.sequences.remove(registration) }
        let loop = loop
        _ = loop.inbox.post(.callback { loop.sequences.remove(registration) })
    }

    nonisolated(nonsending) func next() async -> LoopInstant? {
        loop.checkThread("LoopTicks.Iterator.next")
        guard canGoOn() else { return nil }
        let due = due ?? loop.time().advanced(by: .nanoseconds(interval))
        if loop.time() < due {
            guard await wait(until: due) else {
                finish()
                return nil
            }
        }
        // Of several that have passed, the latest.
        let missed = (loop.time().nanoseconds - due.nanoseconds) / interval
        let tick = due.advanced(by: .nanoseconds(missed * interval))
        self.due = tick.advanced(by: .nanoseconds(interval))
        return tick
    }

    func finish() {
        isFinished = true
        waiter?.cancel()
        if let registration { loop.sequences.remove(registration) }
        registration = nil
    }

    private func canGoOn() -> Bool {
        guard !isFinished, !Task.isCancelled else {
            finish()
            return false
        }
        if registration == nil { registration = loop.register(self) }
        isFinished = registration == nil
        return !isFinished
    }

    /// Returns false when it was ended, or its task cancelled, before.
    nonisolated(nonsending) private func wait(until due: LoopInstant) async -> Bool {
        // Not a precondition: those lose their message in a release build.
        guard waiter == nil else {
            fatalError("two tasks wait for the same tick: give each an iterator of its own")
        }
        let waiter = loop.createFuture()
        self.waiter = waiter
        // Not by callAt, which would carry the task's context along for every tick.
        let timer = loop.timers.insert(.callback { if waiter.isPending { waiter.succeed(()) } }, at: due)
        try? await waiter.value()
        timer.cancel()
        self.waiter = nil
        return !waiter.cancelled
    }
}
