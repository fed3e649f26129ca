import Testing

@testable import Proactor

@Suite struct LoopTaskGroupTests {
    @Test(arguments: LoopKind.allCases)
    func itWaitsForAllItsTasks(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ended = 0
            let sum = try loop.run {
                try await withLoopTaskGroup { group in
                    let tasks = try (1...3).map { number in
                        try group.createTask {
                            try await sleep(for: .microseconds(number * 100))
                            ended += 1
                            return number
                        }
                    }
                    // One that the body does not wait for.
                    try group.createTask {
                        try await sleep(for: .milliseconds(2))
                        ended += 1
                        // One more, while the group waits.
                        try group.createTask { ended += 1 }
                    }
                    return try await gather(tasks).reduce(0, +)
                }
            }
            #expect(sum == 6)
            #expect(ended == 5)
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func aFailureCancelsTheRest(kind: LoopKind, whileTheBodyRuns: Bool) async throws {
        try await kind.withLoop { loop in
            var cancelled = 0
            let task = loop.createTask {
                try await withLoopTaskGroup { group in
                    for _ in 0..<2 {
                        try group.createTask {
                            do { try await sleep(for: .seconds(3600)) } catch { cancelled += 1 }
                        }
                    }
                    try group.createTask {
                        try await sleep(for: .zero)
                        throw TestError(number: 1)
                    }
                    guard whileTheBodyRuns else { return }
                    do { try await sleep(for: .seconds(3600)) } catch { cancelled += 1 }
                    #expect(throws: EventLoopError.self) { try group.createTask {} }
                    throw TestError(number: 2)
                }
            }
            let error = try #require(throws: TaskGroupError.self) { try loop.runUntilComplete(task) }
            #expect(error.errors.map { ($0 as? TestError)?.number } == (whileTheBodyRuns ? [1, 2] : [1]))
            #expect(cancelled == (whileTheBodyRuns ? 3 : 2))
            #expect(loop.timers.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func aCancelFromOutsideReachesAll(kind: LoopKind, whileTheBodyRuns: Bool) async throws {
        try await kind.withLoop { loop in
            var cancelled = 0
            let task = loop.createTask {
                try await withLoopTaskGroup { group in
                    try group.createTask {
                        do { try await sleep(for: .seconds(3600)) } catch { cancelled += 1 }
                    }
                    if whileTheBodyRuns { try await sleep(for: .seconds(3600)) }
                }
            }
            try loop.settle(turns: 5)
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(cancelled == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskThatIsCancelledByItselfIsLeftOut(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var kept: LoopTaskGroup?
            let result = try loop.run {
                try await withLoopTaskGroup { group in
                    kept = group
                    let task = try group.createTask { try await sleep(for: .seconds(3600)) }
                    try await sleep(for: .zero)
                    task.cancel()
                    return 5
                }
            }
            #expect(result == 5)
            #expect(throws: EventLoopError.self) { try kept?.createTask {} }
            kept = nil
        }
    }
}
