import TestSupport
import Testing

@testable import Proactor

/// What the loop remembers of the tasks that have waited.
@Suite struct KnownTasksTests {
    /// More than there are places at first.
    private static let taskCount = 2_000

    @Test(arguments: LoopKind.allCases)
    func thereAreMorePlacesForTasksThatWaitAgainAndAgain(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let countAtFirst = loop.knownTasks.count
            try loop.runUntilComplete {
                let tasks = (0..<Self.taskCount).map { _ in
                    loop.createTask { for _ in 0..<8 { try await sleep(for: .nanoseconds(1)) } }
                }
                for task in tasks { try await task.value() }
            }
            #expect(loop.knownTasks.count > countAtFirst)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func tasksThatWaitOnceTakeNoPlaces(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let countAtFirst = loop.knownTasks.count
            try loop.runUntilComplete {
                let tasks = (0..<Self.taskCount).map { _ in
                    loop.createTask { try await sleep(for: .nanoseconds(1)) }
                }
                for task in tasks { try await task.value() }
            }
            #expect(loop.knownTasks.count == countAtFirst)
        }
    }

    /// Whether or not another task has taken its place, and also when all have moved to others.
    @Test(arguments: LoopKind.allCases)
    func aCancelReachesEachOfManyTasks(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                var cancelled = 0
                var waited = 0
                let tasks = (0..<Self.taskCount).map { _ in
                    loop.createTask {
                        for _ in 0..<8 { try await sleep(for: .nanoseconds(1)) }
                        waited += 1
                        do { try await sleep(for: .seconds(1000)) } catch is CancellationError {
                            cancelled += 1
                        }
                    }
                }
                while waited < tasks.count { try await sleep(for: .nanoseconds(1)) }
                for task in tasks.reversed() { task.cancel() }
                for task in tasks { try await task.value() }
                #expect(cancelled == tasks.count)
            }
        }
    }
}
