import Proactor
import ProactorTesting

extension Scenario {
    /// Locks and queues between tasks of a loop, of which some are cancelled while they wait.
    static let locks = Scenario("locks") { simulation, book in
        let host = try simulation.host("host")
        let pauses = (0..<60).map { _ in simulation.choice(below: 300) }
        var done = false
        host.start {
            let lock = Lock()
            let queue = Queue<Int>(maxSize: 3)
            let state = LockState(book)
            let loop = try getRunningLoop()
            let workers = (0..<5).map { number in
                loop.createTask(name: "worker \(number)") {
                    try await work(number, pauses, lock, queue, state)
                }
            }
            let consumer = loop.createTask(name: "consumer") { () async throws -> Void in
                while true {
                    try await state.consume(queue)
                }
            }
            for worker in workers { try await worker.value() }
            try await queue.join()
            consumer.cancel()
            book.expect(state.taken == state.put, "\(state.put) were put and \(state.taken) taken")
            book.expect(!lock.locked, "the lock is held by nobody")
            done = true
        }
        try simulation.run(until: { done }, within: .seconds(600))
        try simulation.finish()
    }

    nonisolated(nonsending) private static func work(
        _ number: Int,
        _ pauses: [Int],
        _ lock: Lock,
        _ queue: Queue<Int>,
        _ state: LockState
    ) async throws {
        for round in 0..<12 {
            let pause = pauses[(number * 12 + round) % pauses.count]
            do {
                try await timeout(.microseconds(pause)) { _ in
                    try await lock.withLock { try await state.hold(.microseconds(pause / 3)) }
                }
            } catch is TimeoutError {
                state.timeouts += 1
            }
            try await queue.put(round)
            state.put += 1
        }
    }
}

/// What the tasks share.
private final class LockState {
    private let book: Book
    private var isHeld = false
    var timeouts = 0
    var put = 0
    private(set) var taken = 0

    init(_ book: Book) {
        self.book = book
    }

    nonisolated(nonsending) func hold(_ duration: Duration) async throws {
        book.expect(!isHeld, "two tasks have the lock")
        isHeld = true
        defer { isHeld = false }
        try await sleep(for: duration)
    }

    nonisolated(nonsending) func consume(_ queue: Queue<Int>) async throws {
        _ = try await queue.get()
        taken += 1
        try queue.taskDone()
    }
}
