import Testing

@testable import Proactor

@Suite struct SleepTests {
    @Test(arguments: LoopKind.allCases)
    func itEndsInTheOrderOfTheDeadlines(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            var order: [Int] = []
            let tasks = [3, 1, 2].map { number in
                loop.createTask {
                    try await sleep(for: .seconds(number))
                    order.append(number)
                }
            }
            for number in 1...3 {
                try loop.settle(turns: 3)
                #expect(order.count == number - 1, "early")
                backend.advanceClock(by: .seconds(1))
            }
            for task in tasks { try loop.runUntilComplete(task) }
            #expect(order == [1, 2, 3])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func noTimeAtAllLetsTheOthersHaveTheirTurn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var order: [String] = []
            let task = loop.createTask {
                order.append("before")
                try await sleep(for: .zero)
                order.append("after")
                try await sleep(until: loop.time())
                try await sleep(for: .seconds(-1))
            }
            loop.createTask { order.append("other") }
            try loop.runUntilComplete(task)
            #expect(order == ["before", "other", "after"])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelEndsItAndItsTimer(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let tasks = [Duration.seconds(3600), .seconds(7200)].map { delay in
                loop.createTask { try await sleep(for: delay) }
            }
            try loop.settle(turns: 3)
            #expect(loop.timers.count == 2)
            for task in tasks { task.cancel() }
            for task in tasks {
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            }
            #expect(loop.timers.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelAtTheInstantOfItsEndWins(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            var task: LoopTask<Void>?
            // First of two timers that are due together.
            try loop.callLater(.seconds(1)) { task?.cancel() }
            let sleeper = loop.createTask { try await sleep(for: .seconds(1)) }
            task = sleeper
            try loop.settle(turns: 3)
            backend.advanceClock(by: .seconds(1))
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(sleeper) }
            #expect(loop.sleepers.isEmpty)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTimeoutAtTheInstantOfItsEndWins(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let task = loop.createTask {
                try await timeout(.seconds(1)) { _ in try await sleep(for: .seconds(1)) }
            }
            try loop.settle(turns: 3)
            backend.advanceClock(by: .seconds(1))
            #expect(throws: TimeoutError.self) { try loop.runUntilComplete(task) }
            #expect(loop.sleepers.isEmpty)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelledTaskDoesNotBeginToSleep(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for delay in [Duration.zero, .seconds(3600)] {
                let task = loop.createTask {
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await sleep(for: delay)
                }
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            }
        }
    }

    @Test func withoutALoopItRefuses() async {
        await #expect(throws: EventLoopError.noRunningLoop) { try await sleep(for: .zero) }
    }
}
