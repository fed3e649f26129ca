import Logging
import Synchronization

/// Several event loops, each on a named thread of its own: for programs that want to use more than one processor.
///
/// Loops share nothing. What a loop makes belongs to its thread, as everywhere; a group only starts the loops, hands
/// them out, spreads servers over them, and ends them. ``shutdownGracefully(timeout:)`` or ``shutdown()`` must be called
/// in the end: a group that is dropped without ends its loops as well, and logs a warning.
///
/// Thread rule: any thread.
///
/// ```swift
/// let group = try EventLoopGroup(EventLoopGroupOptions(loopCount: 4))
/// let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 8080))
/// let server = try await group.createServer(options) { Echo() }
/// // later, anywhere:
/// print(await group.shutdownGracefully(timeout: .seconds(30)))
/// ```
public final class EventLoopGroup: Sendable {
    let members: [BaseEventLoop]
    let threads: [GroupThread]
    private let handedOut = Atomic<UInt>(0)
    private let wasShutDown = Atomic<Bool>(false)
    /// In a child of it the group is the parent's, and over.
    private let process = ProcessOfOrigin()

    /// Starts the loops, and returns when all of them run.
    ///
    /// - Throws: why a loop cannot be had; those that had started have ended by then, and their threads with them.
    public init(_ options: EventLoopGroupOptions = EventLoopGroupOptions()) throws(EventLoopGroupError) {
        threads = try Self.makeThreads(options)
        members = try Self.start(threads)
    }

    deinit {
        guard !wasShutDown.load(ordering: .relaxed), process.isCurrent else { return }
        Logger(label: "proactor.group").warning(
            "a group of event loops was never shut down; call shutdown() when it is no longer needed"
        )
        for thread in threads { thread.requestEnd() }
    }

    // MARK: - Its loops

    /// The loops, in the order of their numbers.
    public var loops: [any AbstractEventLoop] { members }

    /// How many loops there are.
    public var count: Int { members.count }

    /// One loop after the other, over and over: spreads work evenly as long as the pieces are alike.
    public func next() -> any AbstractEventLoop {
        let number = handedOut.add(1, ordering: .relaxed).oldValue
        return members[Int(number % UInt(members.count))]
    }

    /// The loop that runs on the calling thread when it is one of the group's, and ``next()`` otherwise: spares work
    /// that is on one of the loops already the way to another.
    public func anyLoop() -> any AbstractEventLoop { currentLoop ?? next() }

    /// The group's loop that runs on the calling thread.
    var currentLoop: BaseEventLoop? {
        guard let running = runningLoop() else { return nil }
        return members.first { $0 === running }
    }

    /// Runs `body` on every loop, on all at the same time, and returns the results in the order of the loops.
    ///
    /// When one of them throws, the others are cancelled. Cancelling the calling task cancels them all.
    ///
    /// ```swift
    /// let tasks = try await group.runOnEach { loop in try allTasks(loop).count }
    /// ```
    ///
    /// - Throws: the first error that a body throws; `CancellationError`; ``EventLoopError/closed`` after
    ///   a shutdown.
    @discardableResult
    public nonisolated(nonsending) func runOnEach<Value: Sendable>(
        _ body: @escaping @Sendable (any AbstractEventLoop) async throws -> Value
    ) async throws -> [Value] {
        try checkCancellation()
        return try await withThrowingTaskGroup(of: (Int, Value).self) { tasks in
            for (index, loop) in members.enumerated() {
                tasks.addTask {
                    (index, try await loop.runCoroutineThreadSafe { try await body(loop) }.value())
                }
            }
            var values: [Int: Value] = [:]
            for try await (index, value) in tasks { values[index] = value }
            return members.indices.compactMap { values[$0] }
        }
    }

    // MARK: - Its end

    /// Whether the shutdown has begun.
    public var isShutDown: Bool { wasShutDown.load(ordering: .sequentiallyConsistent) }

    /// Ends the loops, and returns at once; from any thread, also from one of the loops. Twice is harmless.
    ///
    /// Each loop cancels its tasks and waits for them, ends its async sequences, closes its servers and aborts its
    /// connections, waits for its default executor, and closes. Then its thread ends. A task that does not heed its
    /// cancellation, or work on the executor that does not end, holds its loop up.
    public func shutdown() {
        wasShutDown.store(true, ordering: .sequentiallyConsistent)
        for thread in threads { thread.requestEnd() }
    }

    /// Blocks the calling thread until every loop has ended: what a main thread does that has nothing else to do. It
    /// does not end them.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` on one of the group's own threads, which would wait for itself.
    public func wait() throws(EventLoopError) {
        try checkNotWithin("wait")
        for thread in threads { thread.waitUntilEnded() }
    }

    /// Waits until every loop has ended. It does not end them. Cancelling the task ends the wait.
    ///
    /// - Throws: `CancellationError`; ``EventLoopError/invalidState(_:)`` on one of the group's own loops, which would
    ///   wait for itself.
    public nonisolated(nonsending) func waitUntilEnded() async throws {
        try checkNotWithin("waitUntilEnded")
        try checkCancellation()
        let end = GroupEnd(of: threads)
        try await withTaskCancellationHandler {
            if await !end.wait() { throw CancellationError() }
        } onCancel: {
            end.giveUp()
        }
    }

    private func checkNotWithin(_ call: String) throws(EventLoopError) {
        guard currentLoop == nil else {
            throw .invalidState("\(call) was called on a loop of the group, which would wait for itself")
        }
    }

    // MARK: - Starting

    private static func makeThreads(_ options: EventLoopGroupOptions) throws(EventLoopGroupError)
        -> [GroupThread]
    {
        guard options.loopCount > 0 else {
            throw .invalidOptions("a group needs one loop at least, not \(options.loopCount)")
        }
        let processors: [Int?]
        do throws(EventLoopError) {
            processors = try options.pinning.processors(forThreads: options.loopCount)
        } catch {
            throw .invalidOptions("\(error)")
        }
        return processors.enumerated().map { index, processor in
            GroupThread(index: index, processor: processor, options: options)
        }
    }

    private static func start(_ threads: [GroupThread]) throws(EventLoopGroupError) -> [BaseEventLoop] {
        var started: [GroupThread] = []
        var loops: [BaseEventLoop] = []
        do throws(EventLoopGroupError) {
            for thread in threads {
                try thread.start()
                started.append(thread)
            }
            for thread in threads { loops.append(try thread.waitUntilStarted()) }
            return loops
        } catch {
            for thread in started { thread.requestEnd() }
            for thread in started { thread.waitUntilEnded() }
            throw error
        }
    }
}

extension EventLoopGroup: CustomStringConvertible {
    public var description: String { "a group of \(count) event loops" }
}
