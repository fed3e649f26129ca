/// Tasks of a loop that belong together: when one fails, the others are cancelled, and none outlives the group. asyncio's
/// `TaskGroup`. ``withLoopTaskGroup(_:)`` makes it.
///
/// Swift's own task groups end their children too, but refuse what belongs to the loop, hand results over one by one, and cancel
/// nothing when a child fails whose result nobody has asked for yet. This one's tasks are ``LoopTask``s: they stay on the loop,
/// and their results are theirs.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// try await withLoopTaskGroup { group in
///     let user = try group.createTask { try await fetchUser() }
///     try group.createTask { try await warmCache() }
///     print(try await user.value())
/// }
/// ```
public final class LoopTaskGroup: CancelScope {
    private enum Phase {
        case open
        /// A task has failed, or the group was cancelled: the rest is cancelled.
        case aborting
        case over
    }

    let loop: BaseEventLoop
    @exclusivity(unchecked) var part = CancellablePart()
    private let watch = GroupWatch()
    private let waiting = WaitList()
    private var phase = Phase.open
    private var tasks: [Int: any AnyLoopTask] = [:]
    private var tasksMade = 0
    private var errors: [any Error] = []

    fileprivate init(loop: BaseEventLoop) {
        self.loop = loop
        watch.group = self
    }

    /// Starts `body` as a task of the group on the loop's thread; its first step runs in the next turn.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when the group has ended, or is ending because a task has failed.
    @discardableResult
    public func createTask<Value>(
        name: String? = nil,
        _ body: @escaping @isolated(any) () async throws -> Value
    ) throws(EventLoopError) -> LoopTask<Value> {
        loop.checkThread("LoopTaskGroup.createTask")
        switch phase {
        case .open: break
        case .aborting:
            throw .invalidState(
                "a task group that is ending takes no more tasks: one has failed, or it was cancelled"
            )
        case .over: throw .invalidState("a task group that has ended takes no more tasks")
        }
        let task = loop.createTask(name: name, body)
        guard task.isPending else { return task }
        tasksMade += 1
        tasks[tasksMade] = task
        task.watch(by: watch, number: tasksMade)
        return task
    }

    fileprivate func taskEnded(_ number: Int, failed: Bool) {
        guard let task = tasks.removeValue(forKey: number) else {
            preconditionFailure("a task group heard of a task that is not its own")
        }
        if failed, let error = try? task.exception() {
            errors.append(error)
            abort()
        }
        if tasks.isEmpty { waiting.wakeFirst() }
    }

    private func abort() {
        guard phase == .open else { return }
        phase = .aborting
        cancelPart()
        // In the order in which they were made, so that runs are alike.
        for (_, task) in tasks.sorted(by: { $0.key < $1.key }) { task.cancel() }
    }

    fileprivate nonisolated(nonsending) func run(
        _ body: nonisolated(nonsending) (LoopTaskGroup) async throws -> Void
    ) async throws {
        let error = await runPart(body)
        if let error {
            // A cancel that the group itself has brought about is no error of its own.
            if !(error is CancellationError) { errors.append(error) }
            abort()
        }
        var wasCancelled = Task.isCancelled
        while !tasks.isEmpty {
            if wasCancelled {
                abort()
                await waiting.waitRegardless(on: loop)
            } else {
                wasCancelled = await waiting.wait(on: loop) != .woken
            }
        }
        phase = .over
        guard errors.isEmpty else { throw TaskGroupError(errors: errors) }
        if wasCancelled { throw CancellationError() }
        if let error { throw error }
    }
}

@available(*, unavailable)
extension LoopTaskGroup: Sendable {}

/// Runs `body` with a group of tasks, and waits until they are done.
///
/// When a task or `body` fails, the others are cancelled and waited for. When the calling task is cancelled, all of them are. A
/// task that is cancelled by itself is left out.
///
/// - Throws: ``TaskGroupError`` with all errors; `CancellationError`; ``EventLoopError/noRunningLoop``.
@inlinable
public nonisolated(nonsending) func withLoopTaskGroup<Value>(
    _ body: nonisolated(nonsending) (LoopTaskGroup) async throws -> Value
) async throws -> Value {
    var value: Value?
    try await runWithLoopTaskGroup { group in value = try await body(group) }
    guard let value else { preconditionFailure("a task group ended without an outcome") }
    return value
}

@usableFromInline
nonisolated(nonsending) func runWithLoopTaskGroup(
    _ body: nonisolated(nonsending) (LoopTaskGroup) async throws -> Void
) async throws {
    try await LoopTaskGroup(loop: loopToWaitOn()).run(body)
}

private final class GroupWatch: FutureWatcher {
    /// It waits until its tasks have ended.
    weak var group: LoopTaskGroup?

    override func futureEnded(_ number: Int, _ phase: FuturePhase) {
        group?.taskEnded(number, failed: phase == .failed)
    }
}
