import Testing

@testable import Proactor

// Behaviour 40
@Suite struct TimeoutTests {
    @Test(arguments: LoopKind.allCases)
    func whatTakesTooLongIsCancelled(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var (inner, expired) = (false, false)
            let task = loop.createTask {
                try await timeout(.milliseconds(1)) { scope in
                    defer { expired = scope.expired }
                    do { try await sleep(for: .seconds(3600)) } catch is CancellationError {
                        inner = true; throw CancellationError()
                    }
                }
            }
            #expect(throws: TimeoutError(timeout: .milliseconds(1))) { try loop.runUntilComplete(task) }
            #expect(inner && expired)
            #expect(loop.timers.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsInTimeReturnsAndLeavesNoTimer(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            #expect(try loop.run { try await timeout(.seconds(3600)) { _ in 5 } } == 5)
            #expect(throws: TestError(number: 3)) {
                try loop.run { try await timeout(.seconds(3600)) { _ in throw TestError(number: 3) } }
            }
            try loop.run {
                try await timeout(nil) { scope in
                    #expect(scope.when == nil)
                    try await sleep(for: .zero)
                }
            }
            #expect(loop.timers.count == 0)
        }
    }

    // Pitfall 77
    @Test(arguments: LoopKind.allCases, [Duration.zero, .seconds(-5)])
    func noTimeLetsAFinishedResultThrough(kind: LoopKind, delay: Duration) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>()
            try queue.putNoWait(4)
            #expect(try loop.run { try await timeout(delay) { _ in try await queue.get() } } == 4)
            let done = loop.createFuture(of: Int.self)
            try done.setResult(6)
            #expect(try loop.run { try await waitFor(done, timeout: delay) } == 6)
            #expect(throws: TimeoutError.self) {
                try loop.run { try await timeout(delay) { _ in try await queue.get() } }
            }
            let pending = loop.createFuture(of: Int.self)
            #expect(throws: TimeoutError.self) { try loop.run { try await waitFor(pending, timeout: delay) } }
        }
    }

    // Pitfall 77
    @Test(arguments: LoopKind.allCases)
    func theInnerOfTwoDoesNotSwallowTheOuter(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let now = loop.time()
            // Both are over at the same instant.
            let task = loop.createTask {
                try await timeout(at: now.advanced(by: .milliseconds(1))) { _ in
                    do {
                        try await timeout(at: now.advanced(by: .milliseconds(1))) { _ in
                            try await sleep(for: .seconds(3600))
                        }
                    } catch is TimeoutError {
                        Issue.record("the inner timeout swallowed the outer one")
                    }
                }
            }
            #expect(throws: TimeoutError.self) { try loop.runUntilComplete(task) }
            // The inner one alone.
            let caught = try loop.run {
                try await timeout(.seconds(3600)) { outer in
                    do {
                        try await timeout(.zero) { _ in try await sleep(for: .seconds(3600)) }
                        return false
                    } catch is TimeoutError {
                        try await sleep(for: .zero)
                        return !outer.expired
                    }
                }
            }
            #expect(caught)
        }
    }

    // Pitfall 76
    @Test(arguments: LoopKind.allCases, [false, true])
    func aCancelFromOutsideStaysACancel(kind: LoopKind, afterTheTime: Bool) async throws {
        try await kind.withLoop { loop in
            let task = loop.createTask {
                try await timeout(.seconds(3600)) { scope in
                    if afterTheTime { try scope.reschedule(to: loop.time()) }
                    try await loop.createFuture().value()
                }
            }
            try loop.turn()
            // The child begins in this turn, and its time is over in the next.
            try loop.turn()
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(loop.timers.count == 0)
        }
    }

    // Pitfall 76
    @Test(arguments: LoopKind.allCases)
    func aResultInTheTurnOfTheTimeoutIsNotLost(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await waitFor(future, timeout: .seconds(2)) }
            try loop.settle(turns: 2)
            // Due in the same turn, the result first.
            try loop.callLater(.seconds(1)) { try future.setResult(8) }
            backend.advanceClock(by: .seconds(2))
            #expect(try loop.runUntilComplete(task) == 8)

            let slow = loop.createTask {
                try? await sleep(for: .seconds(3600))
                return 9
            }
            let waiting = loop.createTask { try await waitFor(slow, timeout: .seconds(1)) }
            try loop.settle(turns: 2)
            backend.advanceClock(by: .seconds(1))
            #expect(try loop.runUntilComplete(waiting) == 9, "it ended with a result")
        }
    }

    @Test(arguments: LoopKind.allCases)
    func itCanBeRescheduled(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var kept: Timeout?
            try loop.run {
                try await timeout(.seconds(3600)) { scope in
                    kept = scope
                    try scope.reschedule(to: loop.time().advanced(by: .milliseconds(1)))
                    try scope.reschedule(to: nil)
                    try await sleep(for: .milliseconds(3))
                    try scope.reschedule(to: loop.time().advanced(by: .seconds(3600)))
                    #expect(!scope.expired)
                }
            }
            let scope = try #require(kept)
            #expect(throws: EventLoopError.self) { try scope.reschedule(to: nil) }
            let task = loop.createTask {
                try await timeout(nil) { scope in
                    kept = scope
                    try scope.reschedule(to: loop.time())
                    try await sleep(for: .seconds(3600))
                }
            }
            #expect(throws: TimeoutError.self) { try loop.runUntilComplete(task) }
            #expect(throws: EventLoopError.self) { try kept?.reschedule(to: nil) }
            kept = nil
        }
    }

    @Test(arguments: LoopKind.allCases)
    func waitForCancelsWhatItWaitsFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let task = loop.createTask { try await sleep(for: .seconds(3600)) }
            #expect(throws: TimeoutError.self) {
                try loop.run { try await waitFor(task, timeout: .milliseconds(1)) }
            }
            #expect(task.cancelled)
            let other = loop.createTask { try await sleep(for: .seconds(3600)) }
            let waiting = loop.createTask { try await waitFor(other, timeout: nil) }
            try loop.settle(turns: 3)
            waiting.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting) }
            #expect(other.cancelled)
            #expect(loop.timers.count == 0)
        }
    }
}
