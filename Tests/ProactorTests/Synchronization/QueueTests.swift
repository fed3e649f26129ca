import Testing

@testable import Proactor

// Behaviour 40
@Suite struct QueueTests {
    @Test(arguments: LoopKind.allCases)
    func elementsComeInTheOrderOfTheKind(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let numbers = [3, 1, 2, 1]
            try loop.run {
                let queues: [(Queue<Int>, [Int])] = [
                    (Queue<Int>(), [3, 1, 2, 1]), (LIFOQueue<Int>(), [1, 2, 1, 3]),
                    (PriorityQueue<Int>(), [1, 1, 2, 3]),
                ]
                for (queue, expected) in queues {
                    for number in numbers { try await queue.put(number) }
                    #expect(queue.count == 4)
                    var got: [Int] = []
                    while !queue.isEmpty { got.append(try await queue.get()) }
                    #expect(got == expected)
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func equalPrioritiesKeepTheirOrder(kind: LoopKind) async throws {
        struct Job: Comparable {
            let priority: Int
            let name: Int
            static func < (left: Job, right: Job) -> Bool { left.priority < right.priority }
        }
        try await kind.withLoop { loop in
            let queue = PriorityQueue<Job>()
            for name in 0..<50 { try queue.putNoWait(Job(priority: name % 2, name: name)) }
            let names = try (0..<50).map { _ in try queue.getNoWait().name }
            #expect(names == Array(stride(from: 0, to: 50, by: 2)) + Array(stride(from: 1, to: 50, by: 2)))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whoGetsWaitsInTheOrderOfComing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>()
            var got: [(Int, Int)] = []
            let tasks = (0..<3).map { number in
                loop.createTask { got.append((number, try await queue.get())) }
            }
            try loop.settle(turns: 3)
            for number in 0..<3 { try queue.putNoWait(number) }
            for task in tasks { try loop.runUntilComplete(task) }
            #expect(got.map(\.0) == [0, 1, 2])
            #expect(got.map(\.1) == [0, 1, 2])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFullQueueLetsWhoPutsWait(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>(maxSize: 1)
            try queue.putNoWait(0)
            #expect(queue.isFull)
            #expect(throws: QueueError.full) { try queue.putNoWait(9) }
            let tasks = (1..<4).map { number in loop.createTask { try await queue.put(number) } }
            try loop.settle(turns: 3)
            #expect(!tasks[0].done)
            let got = try loop.run {
                var got: [Int] = []
                for _ in 0..<4 { got.append(try await queue.get()) }
                return got
            }
            #expect(got == [0, 1, 2, 3])
            #expect(throws: QueueError.empty) { try queue.getNoWait() }
            for task in tasks { try loop.runUntilComplete(task) }
        }
    }

    // Pitfall 72
    @Test(arguments: LoopKind.allCases, [false, true])
    func anElementForACancelledTaskGoesToTheNext(kind: LoopKind, afterTheHandOver: Bool) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>()
            let tasks = (0..<2).map { _ in loop.createTask { try await queue.get() } }
            try loop.settle(turns: 3)
            if !afterTheHandOver { tasks[0].cancel() }
            try queue.putNoWait(7)
            if afterTheHandOver { tasks[0].cancel() }
            #expect(try loop.runUntilComplete(tasks[1]) == 7)
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[0]) }
            #expect(queue.isEmpty)
        }
    }

    // Pitfall 72
    @Test(arguments: LoopKind.allCases, [false, true])
    func aPlaceForACancelledTaskGoesToTheNext(kind: LoopKind, afterTheHandOver: Bool) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>(maxSize: 1)
            try queue.putNoWait(0)
            let tasks = (1..<3).map { number in loop.createTask { try await queue.put(number) } }
            try loop.settle(turns: 3)
            if !afterTheHandOver { tasks[0].cancel() }
            #expect(try queue.getNoWait() == 0)
            if afterTheHandOver { tasks[0].cancel() }
            try loop.runUntilComplete(tasks[1])
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[0]) }
            #expect(try queue.getNoWait() == 2)
            try queue.putNoWait(3)
        }
    }

    // Pitfall 74
    @Test(arguments: LoopKind.allCases)
    func whoComesDoesNotOvertakeWhoWaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>(maxSize: 1)
            let getting = loop.createTask { try await queue.get() }
            try loop.settle(turns: 3)
            try queue.putNoWait(1)
            #expect(throws: QueueError.empty, "it is the waiting task's") { try queue.getNoWait() }
            #expect(try loop.runUntilComplete(getting) == 1)

            try queue.putNoWait(2)
            let putting = loop.createTask { try await queue.put(3) }
            try loop.settle(turns: 3)
            #expect(try queue.getNoWait() == 2)
            #expect(throws: QueueError.full, "the place is the waiting task's") { try queue.putNoWait(4) }
            try loop.runUntilComplete(putting)
            #expect(try queue.getNoWait() == 3)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func joinWaitsUntilAllIsDone(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>()
            try loop.run { try await queue.join() }
            for number in 0..<3 { try queue.putNoWait(number) }
            let joining = (0..<2).map { _ in loop.createTask { try await queue.join() } }
            for _ in 0..<3 {
                try loop.settle(turns: 3)
                #expect(!joining[0].done)
                _ = try queue.getNoWait()
                try queue.taskDone()
            }
            for task in joining { try loop.runUntilComplete(task) }
            #expect(throws: QueueError.doneTooOften) { try queue.taskDone() }
        }
    }

    // Pitfall 79
    @Test(arguments: LoopKind.allCases)
    func aShutDownQueueIsEmptiedFirst(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>(maxSize: 2)
            for number in 0..<2 { try queue.putNoWait(number) }
            let putting = loop.createTask { try await queue.put(2) }
            let joining = loop.createTask { try await queue.join() }
            try loop.settle(turns: 3)
            queue.shutdown()
            #expect(throws: QueueError.shutDown) { try loop.runUntilComplete(putting) }
            #expect(throws: QueueError.shutDown) { try queue.putNoWait(3) }
            let got = try loop.run {
                var got: [Int] = []
                for try await number in queue.elements {
                    got.append(number)
                    try queue.taskDone()
                }
                return got
            }
            #expect(got == [0, 1])
            try loop.runUntilComplete(joining)
            #expect(throws: QueueError.shutDown) { try queue.getNoWait() }
        }
    }

    // Pitfall 79
    @Test(arguments: LoopKind.allCases)
    func anImmediateShutDownDropsWhatIsLeft(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>()
            let gettings = (0..<2).map { _ in loop.createTask { try await queue.get() } }
            try loop.settle(turns: 3)
            for number in 0..<3 { try queue.putNoWait(number) }
            let joining = loop.createTask { try await queue.join() }
            try loop.turn()
            queue.shutdown(immediate: true)
            #expect(
                try gettings.map { try loop.runUntilComplete($0) } == [0, 1],
                "they had got theirs in that turn"
            )
            #expect(!joining.done)
            for _ in 0..<2 { try queue.taskDone() }
            try loop.runUntilComplete(joining)
            #expect(queue.isEmpty)
        }
    }

    // Pitfall 79
    @Test(arguments: LoopKind.allCases, [false, true])
    func aShutDownWakesAllWhoWait(kind: LoopKind, immediate: Bool) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>()
            let gettings = (0..<3).map { _ in loop.createTask { try await queue.get() } }
            try loop.settle(turns: 3)
            try queue.putNoWait(1)
            // In the turn in which the first was woken.
            queue.shutdown(immediate: immediate)
            queue.shutdown(immediate: immediate)
            if immediate {
                #expect(throws: QueueError.shutDown) { try loop.runUntilComplete(gettings[0]) }
                try loop.run { try await queue.join() }
            } else {
                #expect(try loop.runUntilComplete(gettings[0]) == 1)
            }
            for task in gettings[1...] {
                #expect(throws: QueueError.shutDown) { try loop.runUntilComplete(task) }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelEndsAnIterationAndKeepsTheElements(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let queue = Queue<Int>()
            var got: [Int] = []
            let iterating = loop.createTask {
                for try await number in queue.elements { got.append(number) }
            }
            try queue.putNoWait(1)
            try loop.settle(turns: 4)
            try queue.putNoWait(2)
            iterating.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(iterating) }
            #expect(got == [1])
            #expect(try queue.getNoWait() == 2)
        }
    }
}
