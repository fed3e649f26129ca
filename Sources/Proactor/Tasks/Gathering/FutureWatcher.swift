/// Hears at once when futures are done, where a done callback would be a turn late. It may wake tasks, and nothing else.
class FutureWatcher {
    /// - Parameter number: which of the futures it is, as was said when the watch began.
    func futureEnded(_ number: Int, _ phase: FuturePhase) {
        preconditionFailure("a watcher of futures does not listen")
    }
}

/// A task's wait for several futures.
final class FuturesWait: FutureWatcher {
    private let loop: BaseEventLoop
    private let condition: WaitCondition
    /// Whether a future that was cancelled counts as failed.
    private let countsCancelled: Bool
    private let tasks = WaitList()
    /// Futures that are not done.
    private var remaining = 0
    /// The first that failed.
    private(set) var firstFailed: Int?
    private var isFulfilled = false

    init(loop: BaseEventLoop, until condition: WaitCondition, countingCancelled countsCancelled: Bool = false)
    {
        self.loop = loop
        self.condition = condition
        self.countsCancelled = countsCancelled
    }

    /// Watches the futures that are not done; those that are count at once.
    func watch<Value>(_ futures: [Future<Value>]) {
        // Not `enumerated()`, which asks the Swift runtime for the type of each pair.
        for number in 0..<futures.count {
            let future = futures[number]
            if future.isPending {
                future.watch(by: self, number: number)
                remaining += 1
            } else {
                note(number, future.phase)
            }
        }
        if remaining == 0 { isFulfilled = true }
    }

    override func futureEnded(_ number: Int, _ phase: FuturePhase) {
        remaining -= 1
        note(number, phase)
        if remaining == 0 { isFulfilled = true }
        if isFulfilled { tasks.wakeFirst() }
    }

    private func note(_ number: Int, _ phase: FuturePhase) {
        let failed = phase == .failed || phase == .cancelled && countsCancelled
        if failed, firstFailed == nil { firstFailed = number }
        switch condition {
        case .firstCompleted: isFulfilled = true
        case .firstException: isFulfilled = isFulfilled || failed
        case .allCompleted: break
        }
    }

    /// Waits until the condition holds. Returns false when the task is cancelled before, or the time is over.
    nonisolated(nonsending) func fulfilled(within timeout: Duration? = nil) async -> Bool {
        guard !isFulfilled else { return true }
        var timer: TimerHandle?
        if let timeout {
            let deadline = loop.time().advanced(by: timeout)
            timer = loop.timers.insert(.callback { [tasks] in tasks.wakeFirst() }, at: deadline)
        }
        defer { timer?.cancel() }
        let outcome = await tasks.wait(on: loop)
        return outcome != .cancelled && isFulfilled
    }

    /// Waits until all are done, whatever happens.
    nonisolated(nonsending) func allDone() async {
        while remaining > 0 { await tasks.waitRegardless(on: loop) }
    }
}
