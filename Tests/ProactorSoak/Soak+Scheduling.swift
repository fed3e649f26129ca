import Synchronization

@testable import Proactor

extension Soak {
    /// Timers, half of which are cancelled: each runs once, unless it was cancelled before, and never early.
    func timerScenario() async throws {
        let timers = SoakTimers(over: loop.createFuture())
        let handles = try (0..<random.number(1...50)).map { number in
            let due = loop.time().advanced(by: random.microseconds(0...3000))
            timers.pending.insert(number)
            return try loop.callAt(due) { timers.fired(number, isEarly: self.loop.time() < due) }
        }
        if random.oneIn(2) { await Task.yield() }
        for (number, handle) in handles.enumerated() where random.oneIn(2) {
            handle.cancel()
            timers.cancelled(number)
        }
        try await timers.over.value()
        if let problem = timers.problem { throw problem }
    }

    /// Tasks that start tasks and wait for them, some cancelled.
    func taskScenario() async throws {
        let tasks = (0..<random.number(1...8)).map { number in
            loop.createTask {
                for _ in 0..<self.random.number(0...3) { await Task.yield() }
                if self.random.oneIn(2) {
                    try await Task.sleep(for: self.random.microseconds(0...2000))
                }
                return number
            }
        }
        for task in tasks where random.oneIn(3) { task.cancel() }
        for (number, task) in tasks.enumerated() {
            do {
                guard try await task.value() == number else {
                    throw SoakProblem("a task returned another's value")
                }
            } catch is CancellationError {
                continue
            }
        }
        try Task.checkCancellation()
    }

    func tickScenario() async throws {
        var left = random.number(1...5)
        var last: LoopInstant?
        for await tick in try loop.ticks(every: random.microseconds(1...1000)) {
            if let last, tick <= last { throw SoakProblem("a tick came twice") }
            last = tick
            left -= 1
            if left == 0 { return }
        }
        try Task.checkCancellation()
    }

    /// Callbacks and coroutines from other threads; none may be lost.
    func postScenario() async throws {
        let count = random.number(1...200)
        let loop = loop
        let arrived = SoakCounter()
        try await loop.runInExecutor(pool) {
            for _ in 0..<count { try loop.callSoonThreadSafe { arrived.add(1) } }
        }
        // They were posted before the executor's answer was.
        guard arrived.value == count else { throw SoakProblem("a callback from another thread was lost") }
        let number = try await loop.runInExecutor(pool) {
            try loop.runCoroutineThreadSafe {
                await Task.yield()
                return count
            }
        }.value()
        guard number == count else { throw SoakProblem("a coroutine returned another's value") }
    }

    /// Work on the default executor and on another; cancelled work is dropped, or its result is.
    func executorScenario() async throws {
        let number = random.number(1...1000)
        let futures = try (0..<random.number(1...6)).map { offset in
            try loop.startInExecutor(random.oneIn(2) ? pool : nil) { number + offset }
        }
        for future in futures where random.oneIn(4) { future.cancel() }
        for (offset, future) in futures.enumerated() {
            do {
                guard try await future.value() == number + offset else {
                    throw SoakProblem("work returned another's result")
                }
            } catch is CancellationError {
                continue
            }
        }
        try Task.checkCancellation()
    }

    /// Bodies on every loop of the group.
    func groupScenario() async throws {
        let number = random.number(1...1000)
        let sum = try await group.runOnEach { loop in
            try await loop.runInExecutor(nil) { number }
        }.reduce(0, +)
        guard sum == 2 * number else { throw SoakProblem("a loop of the group returned another's value") }
    }
}

/// Which timers of a scenario are still to come.
private final class SoakTimers {
    var pending: Set<Int> = []
    private(set) var problem: SoakProblem?
    let over: Future<Void>

    init(over: Future<Void>) {
        self.over = over
    }

    func fired(_ number: Int, isEarly: Bool) {
        if isEarly { problem = SoakProblem("a timer was early") }
        if pending.remove(number) == nil { problem = SoakProblem("a timer ran that was cancelled, or twice") }
        endIfNoneIsLeft()
    }

    func cancelled(_ number: Int) {
        pending.remove(number)
        endIfNoneIsLeft()
    }

    private func endIfNoneIsLeft() {
        if pending.isEmpty, !over.done { try? over.setResult() }
    }
}
