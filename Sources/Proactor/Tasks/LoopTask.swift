import CPosix
import Synchronization

/// An async function that runs on a loop's thread, and the future of its result: asyncio's `Task`.
///
/// It is made by ``AbstractEventLoop/createTask(name:_:)``, and its first step runs in the loop's next turn.
/// The steps of its function run on the loop's thread, also after it has waited for child tasks, actors or
/// other threads.
///
/// Cancelling is a request, as everywhere in Swift: the function finds out by `Task.isCancelled`, or by the
/// `CancellationError` of what it awaits, and how it ends decides the outcome. Swift has no way to take a
/// request back, so asyncio's `uncancel` has no counterpart.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let task = loop.createTask(name: "greeter") {
///     try await Task.sleep(for: .seconds(1))
///     return "hello"
/// }
/// print(try loop.runUntilComplete(task))
/// ```
public final class LoopTask<Value>: Future<Value>, AnyLoopTask, RegisteredTask {
    private var givenName: String?
    private let number = TaskNumber.next()
    /// The running function; `nil` when it is done.
    private var swiftTask: Task<Void, any Error>?
    /// The runtime's name of it, or of its child whose waits it keeps, while the function runs.
    @exclusivity(unchecked) var runningTask: UnsafeRawPointer? {
        didSet {
            guard isKnown, let oldValue else { return }
            isKnown = false
            loop.knownTasks.forget(oldValue)
        }
    }
    /// What the function waits for, as long as it does.
    @exclusivity(unchecked) private unowned(unsafe) var currentWait: (any CancellableWait)?
    // Small ones lie together: there may be a task for each connection.
    private var cancelRequests: Int32 = 0
    /// The place in the loop's list of tasks; below zero when it is not in it.
    private var place: Int32 = -1
    @exclusivity(unchecked) var isKnown = false
    /// Whether what it waits for has heard of a cancel: a child's may come before the task's.
    @exclusivity(unchecked) private var hasWaitHeard = false

    /// Starts `body` on `loop`, past the loop's task factory: this is what a ``TaskFactory`` makes tasks
    /// with.
    ///
    /// On a closed loop the body does not run, and the task has failed with ``EventLoopError/closed``.
    public init(
        on loop: BaseEventLoop,
        name: String? = nil,
        _ body: @escaping @isolated(any) () async throws -> Value
    ) {
        loop.checkThread("LoopTask.init")
        loop.checkIsolation(of: body.isolation)
        givenName = name
        super.init(loop: loop)
        guard !loop.isClosed, !loop.isForked else {
            fail(loop.isClosed ? EventLoopError.closed : EventLoopError.usedAfterFork)
            return
        }
        loop.adoptCallingThreadBeforeStart()
        place = Int32(loop.tasks.insert(self))
        // The task and the body are used on the loop's thread only, where the executor preference keeps them.
        nonisolated(unsafe) let task = self
        nonisolated(unsafe) let body: () async throws -> Value = body
        // Bound out here, whence the new task takes it over: within, it would cost the task two frames and changes of executor.
        // One that may throw, which it does not: one that may not has another frame below it.
        swiftTask = CurrentTask.$current.withValue(CurrentTask(task: task)) {
            Task(name: name, executorPreference: loop) { () async throws in await task.run(body) }
        }
    }

    deinit {
        reportUnseenError { "\(nameText) failed, and nobody looked at its error" }
    }

    override func makeReleased(_ error: any Error) -> ReleasedFuture {
        ReleasedTask(
            nameText,
            cancelRequests: Int(cancelRequests),
            description: description,
            error: error,
            loop: loop
        )
    }

    // Inlined: it is a frame less, and a change of executor.
    @inline(__always)
    private nonisolated(nonsending) func run(_ body: () async throws -> Value) async {
        runningTask = UnsafeRawPointer(cposix_current_task())
        do {
            // As in asyncio, a task that is cancelled before its first step never begins.
            try checkCancellation()
            let value = try await body()
            leaveLoop()
            succeed(value)
        } catch {
            leaveLoop(failing: error)
        }
    }

    // Not inlined: see `cancellation()`.
    @inline(never)
    private func leaveLoop(failing error: any Error) {
        leaveLoop()
        fail(error)
    }

    private func leaveLoop() {
        precondition(loop.isOnLoopThread, "a task's last step ran away from its event loop's thread")
        swiftTask = nil
        runningTask = nil
        // A loop that was closed meanwhile has emptied its list.
        if place >= 0 { loop.tasks.remove(at: Int(place)) }
        place = -1
    }

    // MARK: - Name

    /// The name that was given, or `Task-` and a number.
    public var name: String {
        loop.checkThread("LoopTask.name")
        return nameText
    }

    /// For logs, and for when the task is released, from any thread.
    private var nameText: String { givenName ?? "Task-\(number)" }

    /// Gives the task another name. Swift's own `Task.name` stays what it was.
    public func setName(_ name: String) {
        loop.checkThread("LoopTask.setName")
        givenName = name
    }

    // MARK: - Cancelling

    /// Asks the function to end early. Returns false when it has ended already.
    ///
    /// A future or task that the function waits for is cancelled with it.
    @discardableResult
    public override func cancel() -> Bool {
        loop.checkThread("LoopTask.cancel")
        guard isPending else { return false }
        cancelRequests &+= 1
        // A wait hears of it once, and one that begins later when it does.
        guard let swiftTask, !swiftTask.isCancelled else { return true }
        swiftTask.cancel()
        tellWaitOfCancel()
        return true
    }

    func begin(_ wait: any CancellableWait) {
        precondition(currentWait == nil, "a task waits for two things at once")
        currentWait = wait
        hasWaitHeard = false
        if cposix_is_task_cancelled() { tellWaitOfCancel() }
    }

    func tellWaitOfCancel() {
        guard !hasWaitHeard, let currentWait else { return }
        hasWaitHeard = true
        currentWait.waiterWasCancelled()
    }

    func endWait() { currentWait = nil }

    /// How often the task was asked to cancel.
    public func cancelling() -> Int {
        loop.checkThread("LoopTask.cancelling")
        return Int(cancelRequests)
    }

    // MARK: - What a task refuses

    /// Refused: what the function returns is the result.
    ///
    /// - Throws: always ``EventLoopError/invalidState(_:)``.
    public override func setResult(_ value: Value) throws(EventLoopError) {
        throw .invalidState("the result of \(self) cannot be set: its function returns it")
    }

    /// Refused: what the function throws is the error.
    ///
    /// - Throws: always ``EventLoopError/invalidState(_:)``.
    public override func setException(_ error: any Error) throws(EventLoopError) {
        throw .invalidState("the error of \(self) cannot be set: its function throws it")
    }

    /// Refused: what the function returns is the result. Returns false.
    @discardableResult
    public override func trySetResult(_ value: Value) -> Bool { false }

    /// Refused: what the function throws is the error. Returns false.
    @discardableResult
    public override func trySetException(_ error: any Error) -> Bool { false }

    // MARK: - For the loop

    func whenDone(_ body: @escaping () -> Void) {
        _ = addPlainDoneCallback { _ in body() }
    }

    func abandon() {
        place = -1
        discardCallbacks()
    }

    /// The name and the state, for logs.
    public override var description: String { "\(nameText), which \(stateText)" }
}

/// A ``ReleasedFuture`` for a task.
final class ReleasedTask: ReleasedFuture, AnyLoopTask {
    private(set) var name: String
    private let cancelRequests: Int

    init(_ name: String, cancelRequests: Int, description: String, error: any Error, loop: BaseEventLoop) {
        self.name = name
        self.cancelRequests = cancelRequests
        super.init(description, error: error, loop: loop)
    }

    func setName(_ name: String) { self.name = name }
    func cancelling() -> Int { cancelRequests }
}

/// Numbers for tasks without a name, unique in the process.
enum TaskNumber {
    private static let last = Atomic<Int>(0)

    static func next() -> Int {
        last.add(1, ordering: .relaxed).newValue
    }
}
