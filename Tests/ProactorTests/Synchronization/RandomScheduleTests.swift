import Testing

@testable import Proactor

/// Locks and queues under random schedules of tasks that come, are cancelled and let go, held against models.
@Suite struct RandomScheduleTests {
    @Test(arguments: LoopKind.allCases, 1...3)
    func permitsFollowTheModel(kind: LoopKind, permits: Int) async throws {
        try await kind.withLoop { loop in
            for seed in 0..<300 {
                try PermitSchedule(loop, permits: permits, seed: UInt64(seed)).run()
            }
        }
    }

    @Test(arguments: LoopKind.allCases, 0...3)
    func queuesLoseAndReorderNothing(kind: LoopKind, maxSize: Int) async throws {
        try await kind.withLoop { loop in
            for seed in 0..<300 {
                try QueueSchedule(loop, maxSize: maxSize, seed: UInt64(seed)).run()
            }
        }
    }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// A semaphore, a lock if there is one permit, beside the model: a number and a row.
private final class PermitSchedule {
    private let loop: BaseEventLoop
    private let seed: UInt64
    private var random: SeededGenerator
    private let semaphore: Semaphore
    private let lock = Lock()
    private let usesLock: Bool
    private var tasks: [LoopTask<Void>] = []
    private var entered: [Int] = []

    // The model.
    private var free: Int
    private var waiting: [Int] = []
    private var handed: [(task: Int, isCancelled: Bool)] = []
    private var holding: [Int] = []
    private var expectedToEnter: [Int] = []
    private var cancelled: Set<Int> = []

    init(_ loop: BaseEventLoop, permits: Int, seed: UInt64) throws {
        self.loop = loop
        self.seed = seed
        random = SeededGenerator(seed: seed)
        semaphore = try Semaphore(permits)
        usesLock = permits == 1 && seed % 2 == 0
        free = permits
    }

    func run() throws {
        for _ in 0..<40 { try step() }
        while !holding.isEmpty || !waiting.isEmpty || !handed.isEmpty {
            try settle()
            if !holding.isEmpty { try release(at: 0) }
        }
        #expect(usesLock ? !lock.locked : !semaphore.locked, "a permit is lost, seed \(seed)")
    }

    private func step() throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3: try come()
        case 3..<6: if !holding.isEmpty { try release(at: Int.random(in: 0..<holding.count, using: &random)) }
        case 6..<8: if let task = tasks.indices.randomElement(using: &random) { cancel(task) }
        default: try settle()
        }
    }

    private func come() throws {
        let number = tasks.count
        tasks.append(
            loop.createTask { [self] in
                if usesLock { try await lock.acquire() } else { try await semaphore.acquire() }
                entered.append(number)
            }
        )
        // It comes in the next turn; all who were let in before go on in it too.
        try settle()
        if free > 0 {
            free -= 1
            holding.append(number)
            expectedToEnter.append(number)
        } else {
            waiting.append(number)
        }
        check()
    }

    private func release(at index: Int) throws {
        holding.remove(at: index)
        if usesLock { try lock.release() } else { semaphore.release() }
        handOn()
    }

    private func handOn() {
        if waiting.isEmpty { free += 1 } else { handed.append((waiting.removeFirst(), false)) }
    }

    private func cancel(_ task: Int) {
        tasks[task].cancel()
        if let place = waiting.firstIndex(of: task) {
            waiting.remove(at: place)
            cancelled.insert(task)
        } else if let place = handed.firstIndex(where: { $0.task == task }) {
            handed[place].isCancelled = true
        }
    }

    private func settle() throws {
        try loop.settle(turns: 1)
        while !handed.isEmpty {
            try loop.settle(turns: 2)
            let now = handed
            handed = []
            for (task, isCancelled) in now {
                if isCancelled {
                    cancelled.insert(task)
                    handOn()
                } else {
                    holding.append(task)
                    expectedToEnter.append(task)
                }
            }
        }
        try loop.settle(turns: 2)
    }

    private func check() {
        #expect(entered == expectedToEnter, "seed \(seed)")
        #expect(Set(tasks.indices.filter { tasks[$0].cancelled }) == cancelled, "seed \(seed)")
    }
}

/// A queue of numbers: what is got is what was put, in that order, and nobody waits for what is there.
private final class QueueSchedule {
    private let loop: BaseEventLoop
    private let seed: UInt64
    private var random: SeededGenerator
    private let queue: Queue<Int>
    private let maxSize: Int
    private var tasks: [LoopTask<Void>] = []
    private var (putting, getting) = (0, 0)
    private var put: [Int] = []
    private var got: [Int] = []

    init(_ loop: BaseEventLoop, maxSize: Int, seed: UInt64) {
        self.loop = loop
        self.seed = seed
        self.maxSize = maxSize
        random = SeededGenerator(seed: seed)
        queue = Queue(maxSize: maxSize)
    }

    func run() throws {
        for number in 0..<60 {
            try step(number)
            if Bool.random(using: &random) { try loop.settle(turns: Int.random(in: 1...4, using: &random)) }
        }
        try loop.settle(turns: 6)
        check()
        queue.shutdown()
        try loop.settle(turns: 6)
        while !queue.isEmpty { got.append(try queue.getNoWait()) }
        #expect(got == put, "seed \(seed)")
        #expect(!tasks.contains { !$0.done }, "a task waits at a queue that was shut down, seed \(seed)")
        // Looked at, they are not reported.
        for task in tasks where !task.cancelled { _ = try task.exception() }
    }

    private func step(_ number: Int) throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3: startPutting(number)
        case 3..<6: startGetting()
        case 6: if (try? queue.putNoWait(number)) != nil { put.append(number) }
        case 7: if let element = try? queue.getNoWait() { got.append(element) }
        default: tasks.randomElement(using: &random)?.cancel()
        }
    }

    private func startPutting(_ number: Int) {
        tasks.append(
            loop.createTask { [self] in
                putting += 1
                defer { putting -= 1 }
                try await queue.put(number)
                put.append(number)
            }
        )
    }

    private func startGetting() {
        tasks.append(
            loop.createTask { [self] in
                getting += 1
                defer { getting -= 1 }
                got.append(try await queue.get())
            }
        )
    }

    private func check() {
        #expect(got == Array(put.prefix(got.count)), "seed \(seed)")
        #expect(queue.count == put.count - got.count, "seed \(seed)")
        #expect(getting == 0 || queue.isEmpty, "a task waits for an element that is there, seed \(seed)")
        #expect(putting == 0 || queue.isFull, "a task waits for a place that is there, seed \(seed)")
    }
}
