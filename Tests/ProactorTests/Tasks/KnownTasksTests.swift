import TestSupport
import Testing

@testable import Proactor

/// What the loop remembers of the tasks that have waited.
@Suite struct KnownTasksTests {
    /// More than there are places at first.
    private static let taskCount = 2_000

    /// As many places as there are at first do for tasks that never wait again.
    @Test(arguments: LoopKind.allCases, [1, 8])
    func thereAreMorePlacesForTasksThatWaitAgain(kind: LoopKind, waits: Int) async throws {
        try await kind.withLoop { loop in
            let countAtFirst = loop.knownTasks.count
            try loop.runUntilComplete {
                let tasks = (0..<Self.taskCount).map { _ in
                    loop.createTask { for _ in 0..<waits { try await sleep(for: .nanoseconds(1)) } }
                }
                for task in tasks { try await task.value() }
            }
            #expect((loop.knownTasks.count > countAtFirst) == (waits > 1))
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

    /// Tasks that get and lose names again and again: a wrong one would be somebody else's, or a task that is gone.
    @Test(arguments: [40, 300, 3_000])
    func aNameIsFoundAsLongAsItIsSomebodys(nameCount: Int) throws {
        let loop = try LoopKind.epoll.makeLoop()
        defer { try? loop.close() }
        let known = loop.knownTasks
        let tasks = (0..<nameCount).map { _ in LoopTask(on: loop) {} }
        let names = (0..<2 * nameCount).map { UnsafeRawPointer(bitPattern: 0x7f3a_5000_0010 + $0 * 0x150) }
        var owners = [Int?](repeating: nil, count: names.count)
        var places = [Int?](repeating: nil, count: nameCount)
        var isFound = 0
        var generator = SeededGenerator(seed: UInt64(nameCount))
        for _ in 0..<20 * nameCount {
            let number = Int.random(in: 0..<nameCount, using: &generator)
            let place = Int.random(in: 0..<names.count, using: &generator)
            let (task, name) = (tasks[number], try #require(names[place]))
            if owners[place] == nil {
                if let earlier = places[number] { owners[earlier] = nil }
                // What the task was known by is forgotten.
                task.runningTask = name
                owners[place] = number
                places[number] = place
            }
            guard let owner = owners[place] else { continue }
            if let found = known.find(name) {
                isFound += 1
                #expect(found === tasks[owner])
            } else {
                known.remember(tasks[owner], as: name)
                #expect(known.find(name) === tasks[owner])
            }
        }
        for (name, owner) in zip(names, owners) where owner == nil {
            #expect(known.find(try #require(name)) == nil)
        }
        #expect(isFound > nameCount)
        for task in tasks { task.runningTask = nil }
        for name in names { #expect(known.find(try #require(name)) == nil) }
        try loop.runUntilComplete { for task in tasks { try await task.value() } }
    }
}
