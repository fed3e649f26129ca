import CMicro
import Proactor

/// What tasks of one loop do with each other.
enum AwaitedOperation: String, CaseIterable, Sendable {
    case queue
    case passedBy100 = "passed-100"
    case passedBy1 = "passed-1"
    case lock
    case sleep
    case event
    case task
    case gather
    case timeout

    var title: String {
        switch self {
        case .queue: "queue, put and get without waiting"
        case .passedBy100: "queue, passed on, bounded by 100"
        case .passedBy1: "queue, passed on, bounded by 1"
        case .lock: "lock, by ten tasks in turns"
        case .sleep: "sleep(0) in one task"
        case .event: "event, round trip"
        case .task: "task, create and await"
        case .gather: "gather of \(Self.gatheredAtOnce) tasks, each"
        case .timeout: "timeout scope around sleep(0)"
        }
    }

    /// How often uvloop's time has to hold that of the library's ring.
    var speedOverUvloop: Double {
        switch self {
        case .queue, .passedBy100: 15
        case .passedBy1: 8
        case .lock: 4.5
        case .sleep: 2.7
        case .event: 4
        case .task: 2.2
        case .gather: 2
        case .timeout: 3
        }
    }

    /// The quick ones are done more often, so that each takes long enough to be measured.
    private var repeats: Int {
        switch self {
        case .queue, .passedBy100: 5
        case .passedBy1, .lock, .sleep, .event, .task, .gather, .timeout: 1
        }
    }

    static let gatheredAtOnce = 1_000
    private static let lockingTasks = 10

    /// The CPU time of one operation on a loop of the library's, in nanoseconds.
    func nanoseconds(on kind: LoopKind, steps: Int) throws -> Double {
        let count = steps * repeats
        return try withLoop(kind) { loop in
            try loop.runUntilComplete {
                _ = try await perform(max(count / 10, 1), on: loop)
                let before = cmicro_thread_cpu_ns()
                let done = try await perform(count, on: loop)
                return Double(cmicro_thread_cpu_ns() - before) / Double(done)
            }
        }
    }

    /// Does it so many times, about, and says how many.
    private nonisolated(nonsending) func perform(_ count: Int, on loop: BaseEventLoop) async throws -> Int {
        switch self {
        case .queue:
            let queue = Queue<Int>()
            for number in 0..<count {
                try await queue.put(number)
                _ = try await queue.get()
            }
        case .passedBy100: try await passOn(count, bound: 100, loop)
        case .passedBy1: try await passOn(count, bound: 1, loop)
        case .lock: return try await takeTurns(count, loop)
        case .sleep: for _ in 0..<count { try await Proactor.sleep(for: .zero) }
        case .event: try await playPingPong(count, loop)
        case .task: for _ in 0..<count { try await loop.createTask {}.value() }
        case .gather: return try await gatherMany(count, loop)
        case .timeout:
            for _ in 0..<count {
                try await Proactor.timeout(.seconds(10)) { _ in try await Proactor.sleep(for: .zero) }
            }
        }
        return count
    }

    private nonisolated(nonsending) func passOn(_ count: Int, bound: Int, _ loop: BaseEventLoop) async throws
    {
        let queue = Queue<Int>(maxSize: bound)
        let source = loop.createTask { for number in 0..<count { try await queue.put(number) } }
        for _ in 0..<count { _ = try await queue.get() }
        try await source.value()
    }

    /// Who has the lock lets the others run, so that it is always wanted.
    private nonisolated(nonsending) func takeTurns(_ count: Int, _ loop: BaseEventLoop) async throws -> Int {
        let lock = Lock()
        let turns = max(count / Self.lockingTasks, 1)
        let tasks = (0..<Self.lockingTasks).map { _ in
            loop.createTask {
                for _ in 0..<turns {
                    try await lock.withLock { try await Proactor.sleep(for: .zero) }
                }
            }
        }
        for task in tasks { try await task.value() }
        return turns * Self.lockingTasks
    }

    private nonisolated(nonsending) func playPingPong(_ count: Int, _ loop: BaseEventLoop) async throws {
        let (ball, back) = (Event(), Event())
        let partner = loop.createTask {
            for _ in 0..<count {
                try await ball.wait()
                ball.clear()
                back.set()
            }
        }
        for _ in 0..<count {
            ball.set()
            try await back.wait()
            back.clear()
        }
        try await partner.value()
    }

    private nonisolated(nonsending) func gatherMany(_ count: Int, _ loop: BaseEventLoop) async throws -> Int {
        let times = max(count / Self.gatheredAtOnce, 1)
        for _ in 0..<times {
            _ = try await Proactor.gather((0..<Self.gatheredAtOnce).map { _ in loop.createTask {} })
        }
        return times * Self.gatheredAtOnce
    }
}
