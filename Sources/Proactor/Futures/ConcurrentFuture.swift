/// The result of work that runs on a loop, for other threads to wait for: asyncio's
/// `concurrent.futures.Future`.
///
/// ``AbstractEventLoop/runCoroutineThreadSafe(name:_:)`` returns it. Thread rule: any thread, but for the
/// blocking `result(timeout:)`, which must not be called on the loop's own thread.
///
/// ```swift
/// let answer = try loop.runCoroutineThreadSafe { try await lookUp("name") }
/// print(try answer.result(timeout: .seconds(5)))
/// ```
public final class ConcurrentFuture<Value>: Sendable {
    private enum Waiter {
        case blocked(BlockedThread)
        case suspended(UnsafeContinuation<Void, Never>)
    }

    private enum Outcome {
        case pending
        case succeeded(Value)
        case failed(any Error)
        case cancelled
        /// It succeeded, and its value is somebody else's now.
        case handedOver

        init(_ outcome: FutureOutcome<Value>) {
            self =
                switch outcome {
                case .succeeded(let value): .succeeded(value)
                case .failed(let error): .failed(error)
                case .cancelled: .cancelled
                }
        }

        var isPending: Bool {
            if case .pending = self { true } else { false }
        }
    }

    /// Guarded by the lock. The value was sent in, and is sent out once, or is Sendable.
    private struct State: @unchecked Sendable {
        var outcome = Outcome.pending
        var waiters: [Waiter] = []
        /// Used on the loop's thread only.
        var task: (any AnyLoopTask)?
    }

    private let state = ThreadLock(State())
    private let loop: any AbstractEventLoop

    init(loop: any AbstractEventLoop) {
        self.loop = loop
    }

    deinit {
        // The result may hold another future, and so on.
        guard ChainRelease.begin() else { return ChainRelease.keep(state) }
        dropOutcome()
        ChainRelease.end()
    }

    private func dropOutcome() {
        var dropped = Outcome.handedOver
        state.withLock { swap(&dropped, &$0.outcome) }
    }

    /// Whether there is an outcome.
    public var done: Bool { state.withLock { !$0.outcome.isPending } }

    /// Whether the outcome is a cancellation.
    public var cancelled: Bool {
        state.withLock { state in
            if case .cancelled = state.outcome { true } else { false }
        }
    }

    /// Cancels: who waits gets a `CancellationError` at once, and the task on the loop is asked to end.
    /// Returns false when there is an outcome already.
    @discardableResult
    public func cancel() -> Bool {
        guard finish(.cancelled) else { return false }
        askTaskToEnd()
        return true
    }

    private func askTaskToEnd() {
        // A closed loop has nobody left to tell.
        try? loop.callSoonThreadSafe { self.cancelTask() }
    }

    /// Blocks this thread until there is a result.
    ///
    /// The value is handed over: a second call throws, unless `Value` is Sendable.
    ///
    /// - Throws: what the work threw, `CancellationError`, ``TimeoutError``, ``EventLoopError/closed`` when
    ///   the loop was closed first, ``EventLoopError/invalidState(_:)`` on the loop's own thread, which would
    ///   wait for itself.
    public func result(timeout: Duration? = nil) throws -> sending Value {
        try block(timeout: timeout)
        return try take(keeping: false)
    }

    /// Waits until there is a result. Cancelling the task that waits cancels the work.
    ///
    /// The value is handed over: a second call throws, unless `Value` is Sendable.
    ///
    /// - Throws: what the work threw, `CancellationError`, ``EventLoopError/closed`` when the loop was closed
    ///   first.
    public nonisolated(nonsending) func value() async throws -> sending Value {
        await suspend()
        return try take(keeping: false)
    }

    // MARK: - For the loop

    /// Sets the outcome. Returns false when there is one already.
    @discardableResult
    func finish(_ outcome: sending FutureOutcome<Value>) -> Bool {
        // The lock hands it to whoever takes it; nobody else holds it.
        nonisolated(unsafe) let outcome = outcome
        let waiters: [Waiter]? = state.withLock { state in
            guard state.outcome.isPending else { return nil }
            state.outcome = Outcome(outcome)
            defer { state.waiters = [] }
            return state.waiters
        }
        guard let waiters else { return false }
        for waiter in waiters { resume(waiter) }
        return true
    }

    /// Remembers the task that does the work, until it is done.
    func setTask(_ task: (any AnyLoopTask)?) {
        // It stays on the loop's thread.
        nonisolated(unsafe) let task = task
        state.withLock { $0.task = task }
    }

    private func cancelTask() {
        // On the loop's thread.
        nonisolated(unsafe) var task: (any AnyLoopTask)?
        state.withLock { task = $0.task }
        task?.cancel()
    }

    // MARK: - Waiting

    private func resume(_ waiter: Waiter) {
        switch waiter {
        case .blocked(let thread): thread.wake()
        case .suspended(let continuation): continuation.resume()
        }
    }

    /// Returns false when there is nothing to wait for.
    private func add(_ waiter: Waiter) -> Bool {
        state.withLock { state in
            guard state.outcome.isPending else { return false }
            state.waiters.append(waiter)
            return true
        }
    }

    fileprivate func block(timeout: Duration?) throws {
        guard !done else { return }
        if let base = loop as? BaseEventLoop, base.isOnLoopThread, base.isRunning {
            throw EventLoopError.invalidState(
                "an event loop's thread would wait for itself; use value() instead"
            )
        }
        let thread = BlockedThread()
        guard add(.blocked(thread)) else { return }
        guard let timeout else { return thread.wait() }
        guard !thread.wait(until: loop.time().advanced(by: timeout), on: loop) else { return }
        // It may have come in the last moment.
        guard remove(thread) else { return }
        throw TimeoutError(timeout: timeout)
    }

    /// Forgets a thread that waits no longer. Returns false when there is an outcome by now.
    private func remove(_ thread: BlockedThread) -> Bool {
        state.withLock { state in
            guard state.outcome.isPending else { return false }
            state.waiters.removeAll { waiter in
                if case .blocked(let other) = waiter { other === thread } else { false }
            }
            return true
        }
    }

    /// How many threads and tasks wait.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    fileprivate nonisolated(nonsending) func suspend() async {
        await withTaskCancellationHandler {
            await suspendRegardless()
        } onCancel: {
            cancel()
        }
    }

    fileprivate nonisolated(nonsending) func suspendRegardless() async {
        await withUnsafeContinuation { continuation in
            if !add(.suspended(continuation)) { continuation.resume() }
        }
    }

    // MARK: - Taking the value

    fileprivate func take(keeping: Bool) throws -> sending Value {
        // It leaves the state under the lock, and nothing else holds it; or it is kept, and is Sendable.
        nonisolated(unsafe) var taken: Value?
        let error: (any Error)? = state.withLock { state in
            switch state.outcome {
            case .succeeded(let value):
                taken = value
                if !keeping { state.outcome = .handedOver }
                return nil
            case .failed(let error): return error
            case .cancelled: return CancellationError()
            case .handedOver:
                return EventLoopError.invalidState("the result was handed over before, and is not Sendable")
            case .pending: preconditionFailure("a result was taken before there was one")
            }
        }
        if let error { throw error }
        guard let taken else { preconditionFailure("a result without a value") }
        return taken
    }
}

extension ConcurrentFuture where Value: Sendable {
    /// Blocks this thread until there is a result. May be called any number of times.
    ///
    /// - Throws: what the work threw, `CancellationError`, ``TimeoutError``, ``EventLoopError/closed`` when
    ///   the loop was closed first, ``EventLoopError/invalidState(_:)`` on the loop's own thread, which would
    ///   wait for itself.
    public func result(timeout: Duration? = nil) throws -> Value {
        try block(timeout: timeout)
        return try take(keeping: true)
    }

    /// Waits until there is a result; any number of tasks may. Cancelling a task that waits cancels the work.
    ///
    /// - Throws: what the work threw, `CancellationError`, ``EventLoopError/closed`` when the loop was closed
    ///   first.
    public nonisolated(nonsending) func value() async throws -> Value {
        await suspend()
        return try take(keeping: true)
    }

    /// As ``value()``, but cancelling the task that waits only asks the work to end: what it brings all the same is returned,
    /// for the caller to let go of.
    nonisolated(nonsending) func valueEvenIfCancelled() async throws -> Value {
        await withTaskCancellationHandler {
            await suspendRegardless()
        } onCancel: {
            askTaskToEnd()
        }
        return try take(keeping: true)
    }

    /// As ``value()``, but cancelling the task that waits changes nothing.
    nonisolated(nonsending) func valueRegardless() async throws -> Value {
        await suspendRegardless()
        return try take(keeping: true)
    }
}

/// A thread that waits for a ``ConcurrentFuture``.
private final class BlockedThread: Sendable {
    private let isAwake = ConditionLock(false)

    func wake() {
        isAwake.withLock { $0 = true }
        isAwake.wakeAll()
    }

    func wait() {
        while !wait(for: .seconds(3600)) {}
    }

    /// Returns whether it was woken before the clock of the loop has come to `deadline`.
    func wait(until deadline: LoopInstant, on loop: any AbstractEventLoop) -> Bool {
        while true {
            let rest = loop.time().duration(to: deadline)
            guard rest > .zero else { return isAwake.withLock { $0 } }
            if wait(for: rest) { return true }
        }
    }

    private func wait(for duration: Duration) -> Bool {
        isAwake.waitFor(timeout: duration) { $0 ? true : nil } ?? false
    }
}

/// Sees to it that a ``ConcurrentFuture`` ends: the work that waits for the loop, or runs on it, holds the
/// ticket, and when a closing loop drops the work, the ticket goes with it.
final class ConcurrentTicket<Value>: Sendable {
    let future: ConcurrentFuture<Value>

    init(_ future: ConcurrentFuture<Value>) {
        self.future = future
    }

    deinit {
        future.finish(.failed(EventLoopError.closed))
    }
}
