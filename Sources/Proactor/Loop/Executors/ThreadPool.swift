import SystemPackage

/// Threads for work that blocks, started as work comes, up to a limit; what comes beyond it waits its turn.
///
/// A thread that has had no work for ``idleTimeout`` ends, and after ``shutdown(whenDone:)`` all of them do,
/// so an unused pool costs nothing. The threads are called by the pool's name and a number, for `top -H` and
/// debuggers. Work that never returns keeps its thread for ever.
///
/// Thread rule: any thread. In a fork's child it starts threads of its own; work that it was given before stays the parent's.
///
/// ```swift
/// let pool = ThreadPool(name: "thumbs", threadsMax: 4)
/// let image = try await loop.runInExecutor(pool) { try shrink(file) }
/// pool.shutdown()
/// ```
public final class ThreadPool: WorkExecutor {
    private struct State {
        var queue = WorkQueue()
        var threads = 0
        /// Threads that wait for work, those included that were woken and have not got hold of the lock yet.
        var idleThreads = 0
        var threadsStarted = 0
        var isShutDown = false
        var shutdownCallbacks: [@Sendable () -> Void] = []
    }

    typealias ThreadStarter = @Sendable (String, @escaping @Sendable () -> Void) throws(Errno) -> Void

    /// What a thread has to do next.
    private enum Step {
        case run(WorkQueue.Work)
        case end(thenCall: [@Sendable () -> Void])
    }

    /// The limit for pools that are made without one: enough to wait with, few enough not to crowd out the
    /// loops.
    public static var defaultThreadsMax: Int { min(32, ProcessorCount.online + 4) }

    /// What the threads are called, before their number.
    public let name: String
    /// How many threads there are at most.
    public let threadsMax: Int
    /// How long a thread waits for work before it ends.
    public let idleTimeout: Duration

    /// A fork's child has none of its parent's threads, and leaves the work that they had to the parent.
    private let state = ConditionLock(State(), childState: { State(isShutDown: $0.isShutDown) })
    private let startThread: ThreadStarter

    /// Makes a pool without threads yet.
    ///
    /// - Parameters:
    ///   - name: what the threads are called; the kernel keeps 15 bytes, the number included.
    ///   - threadsMax: how many threads there are at most, one or more.
    ///   - idleTimeout: how long a thread waits for work before it ends.
    public convenience init(
        name: String = "proactor",
        threadsMax: Int = ThreadPool.defaultThreadsMax,
        idleTimeout: Duration = .seconds(10)
    ) {
        self.init(name: name, threadsMax: threadsMax, idleTimeout: idleTimeout) { name, body throws(Errno) in
            try SystemThread.start(name: name, body)
        }
    }

    init(name: String, threadsMax: Int, idleTimeout: Duration, startThread: @escaping ThreadStarter) {
        precondition(threadsMax > 0, "a pool needs a thread at least")
        self.name = name
        self.threadsMax = threadsMax
        self.idleTimeout = idleTimeout
        self.startThread = startThread
    }

    /// How many threads there are now.
    public var threadCount: Int { state.withLock { $0.threads } }

    // MARK: - WorkExecutor

    /// Takes work, and starts a thread for it when none is free and the limit allows it.
    ///
    /// - Throws: ``ExecutorError/shutDown(name:)``; ``ExecutorError/noThread(_:)`` when there is no thread at
    ///   all. With fewer threads than it could have, the work waits.
    public func submit(_ work: @escaping @Sendable () -> Void) throws(ExecutorError) {
        try state.withLock { state throws(ExecutorError) in
            guard !state.isShutDown else { throw .shutDown(name: name) }
            state.queue.append(work)
            guard state.idleThreads < state.queue.count, state.threads < threadsMax else { return }
            do throws(Errno) {
                try startThread(number: state.threadsStarted)
                state.threads += 1
                state.threadsStarted += 1
            } catch {
                guard state.threads == 0 else { return }
                state.queue.removeNewest()
                throw .noThread(error)
            }
        }
        state.wakeOne()
    }

    /// Takes no more work, and returns at once. What was taken before still runs; then the threads end, and
    /// the last one calls `whenDone`. Without threads it is called before this returns.
    public func shutdown(whenDone: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            state.isShutDown = true
            guard state.threads > 0 else {
                precondition(state.queue.isEmpty, "a pool had work and no thread for it")
                return true
            }
            state.shutdownCallbacks.append(whenDone)
            return false
        }
        if isOver { whenDone() } else { state.wakeAll() }
    }

    // MARK: - Threads

    private func startThread(number: Int) throws(Errno) {
        try startThread(SystemThread.name(name, number: number)) { self.runThread() }
    }

    private func runThread() {
        while true {
            switch nextStep() {
            case .run(let work):
                work()
            case .end(let callbacks):
                for callback in callbacks { callback() }
                return
            }
        }
    }

    private func nextStep() -> Step {
        var isCountedIdle = false
        let step: Step? = state.waitFor(timeout: idleTimeout) { state in
            if isCountedIdle { state.idleThreads -= 1 }
            isCountedIdle = false
            if let work = state.queue.takeOldest() { return .run(work) }
            if state.isShutDown { return endThread(&state) }
            state.idleThreads += 1
            isCountedIdle = true
            return nil
        }
        // The time is over, but work may have come since.
        return step
            ?? state.withLock { state in
                state.idleThreads -= 1
                if let work = state.queue.takeOldest() { return .run(work) }
                return endThread(&state)
            }
    }

    private func endThread(_ state: inout State) -> Step {
        precondition(state.threads > 0, "a pool lost a thread twice")
        state.threads -= 1
        guard state.isShutDown, state.threads == 0 else { return .end(thenCall: []) }
        defer { state.shutdownCallbacks = [] }
        return .end(thenCall: state.shutdownCallbacks)
    }
}

extension ThreadPool: CustomStringConvertible {
    public var description: String { "\(name), a pool of at most \(threadsMax) threads" }
}

/// Work that waits for a thread, first in, first out.
struct WorkQueue {
    typealias Work = @Sendable () -> Void

    private var incoming: [Work] = []
    /// The oldest is the last.
    private var outgoing: [Work] = []

    var count: Int { incoming.count + outgoing.count }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ work: @escaping Work) {
        incoming.append(work)
    }

    /// Takes back what was appended last, before anything else was taken out.
    mutating func removeNewest() {
        precondition(!incoming.isEmpty, "the newest work has left the queue already")
        incoming.removeLast()
    }

    mutating func takeOldest() -> Work? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming = []
        }
        return outgoing.popLast()
    }
}

/// What a loop runs blocking work on when no executor is named.
enum DefaultExecutor {
    /// Made when it is first needed.
    case notNeededYet
    case ready(any WorkExecutor)
    /// It was shut down for good; without an executor there was never one.
    case shutDown((any WorkExecutor)?)
}
