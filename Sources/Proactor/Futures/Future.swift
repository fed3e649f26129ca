/// A result that is still to come: somebody sets it once, and any number of tasks and callbacks wait for it.
///
/// It is asyncio's `Future`: done callbacks run in the loop's next turn, in the order they were added. A
/// cancelled future throws Swift's `CancellationError`. A future that failed and is released before anybody
/// looked at its error reports it to the loop's exception handler.
///
/// Thread rule: the loop's thread only, but for ``getLoop()``.
///
/// ```swift
/// let answer = loop.createFuture(of: Int.self)
/// try loop.callLater(.seconds(1)) { try answer.setResult(42) }
/// print(try loop.runUntilComplete(answer))
/// ```
public class Future<Value>: AnyFuture, CustomStringConvertible {
    let loop: BaseEventLoop
    // Exclusivity: a future belongs to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private(set) var state = FutureState<Value>.pending
    @exclusivity(unchecked) private var waiting = DoneCallbackList<Value>()
    @exclusivity(unchecked) private var isErrorSeen = false
    @exclusivity(unchecked) private var callbacksAdded = 0

    init(loop: BaseEventLoop) {
        self.loop = loop
    }

    deinit {
        reportUnseenError { "a future failed, and nobody looked at its error" }
        discardCallbacks()
    }

    // MARK: - Outcome

    /// Whether there is an outcome: a result, an error or a cancellation.
    public var done: Bool {
        loop.checkThread("Future.done")
        return !state.isPending
    }

    /// Whether the outcome is a cancellation.
    public var cancelled: Bool {
        loop.checkThread("Future.cancelled")
        if case .cancelled = state { return true }
        return false
    }

    /// The result.
    ///
    /// - Throws: the error that was set, `CancellationError` when the future was cancelled,
    ///   ``EventLoopError/invalidState(_:)`` when it is not done.
    public func result() throws -> Value {
        loop.checkThread("Future.result")
        switch state {
        case .succeeded(let value): return value
        case .failed(let error):
            isErrorSeen = true
            throw error
        case .cancelled: throw CancellationError()
        case .pending: throw EventLoopError.invalidState("the result of \(self) was asked for")
        }
    }

    /// The error, or `nil` after a success. Counts as having looked at the error.
    ///
    /// - Throws: `CancellationError` when the future was cancelled, ``EventLoopError/invalidState(_:)`` when
    ///   it is not done.
    public func exception() throws -> (any Error)? {
        loop.checkThread("Future.exception")
        switch state {
        case .succeeded: return nil
        case .failed(let error):
            isErrorSeen = true
            return error
        case .cancelled: throw CancellationError()
        case .pending: throw EventLoopError.invalidState("the error of \(self) was asked for")
        }
    }

    /// Waits until the future is done, and returns its result.
    ///
    /// Cancelling the task that waits cancels the future, and every other task that waits for it.
    ///
    /// - Throws: the error that was set, or `CancellationError`.
    public nonisolated(nonsending) func value() async throws -> Value {
        loop.checkThread("Future.value")
        if state.isPending { await untilDone() }
        return try result()
    }

    // MARK: - Setting it

    /// Ends the future with a result.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when it is done already.
    public func setResult(_ value: Value) throws(EventLoopError) {
        loop.checkThread("Future.setResult")
        try checkPending("result")
        finish(.succeeded(value))
    }

    /// Ends the future with an error; with a `CancellationError` it is cancelled.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when it is done already.
    public func setException(_ error: any Error) throws(EventLoopError) {
        loop.checkThread("Future.setException")
        try checkPending("error")
        finish(FutureState(error: error))
    }

    /// Cancels the future. Returns false, and does nothing, when it is done already.
    @discardableResult
    public func cancel() -> Bool {
        loop.checkThread("Future.cancel")
        guard state.isPending else { return false }
        finish(.cancelled)
        return true
    }

    /// The loop that the future belongs to. May be called from any thread.
    public func getLoop() -> any AbstractEventLoop { loop }

    // MARK: - Callbacks

    /// Runs `callback` with this future in the loop's next turn after it is done; when it is done already, in
    /// the next turn from now. Added within a task, the callback sees the task-local values of this moment.
    /// An error that it throws goes to the exception handler. On a closed loop it never runs.
    @discardableResult
    public func addDoneCallback(_ callback: @escaping (Future<Value>) throws -> Void) -> DoneCallbackToken {
        loop.checkThread("Future.addDoneCallback")
        let token = makeToken()
        guard state.isPending, !loop.isClosed else {
            // On a closed loop there is nobody to run it.
            _ = try? loop.callSoon { try callback(self) }
            return token
        }
        guard loop.isWithinTask else {
            waiting.append(.callback(number: token.number, callback))
            return token
        }
        let contextCallback = ContextDoneCallback(callback)
        let job = loop.captureContext { try contextCallback.run() }
        waiting.append(.contextCallback(number: token.number, contextCallback, job))
        return token
    }

    /// Takes a callback back that is not scheduled yet. Returns whether there was one.
    @discardableResult
    public func removeDoneCallback(_ token: DoneCallbackToken) -> Bool {
        loop.checkThread("Future.removeDoneCallback")
        guard token.future == ObjectIdentifier(self), let removed = waiting.remove(number: token.number)
        else {
            return false
        }
        discard(removed)
        return true
    }

    /// As ``addDoneCallback(_:)``, without the values of the task that calls: for the library's own
    /// callbacks.
    func addPlainDoneCallback(_ callback: @escaping (Future<Value>) throws -> Void) -> DoneCallbackToken {
        let token = makeToken()
        if state.isPending {
            waiting.append(.callback(number: token.number, callback))
        } else {
            loop.ready.push(.callback { try callback(self) })
        }
        return token
    }

    // MARK: - Inside

    /// Leaves `pending`, and schedules whatever waits.
    func finish(_ outcome: FutureState<Value>) {
        precondition(state.isPending, "a future was finished twice")
        precondition(!outcome.isPending, "a future was finished without an outcome")
        state = outcome
        waiting.takeAll().forEach(schedule)
    }

    /// Tells the exception handler about an error that nobody looked at. Called when the future is released,
    /// which may happen on any thread.
    func reportUnseenError(_ message: () -> String) {
        guard case .failed(let error) = state, !isErrorSeen else { return }
        isErrorSeen = true
        var context = ExceptionContext(message: message(), error: error)
        // Not the future: who kept it from here on would keep what is being released.
        context.future = makeReleased(error)
        loop.reportFromAnyThread(context)
    }

    /// What stands for this future when it is released.
    func makeReleased(_ error: any Error) -> ReleasedFuture {
        ReleasedFuture(description, error: error, loop: loop)
    }

    /// Drops all that waits, for a loop that will not run again.
    func discardCallbacks() {
        waiting.takeAll().forEach(discard)
    }

    private func makeToken() -> DoneCallbackToken {
        callbacksAdded += 1
        return DoneCallbackToken(future: ObjectIdentifier(self), number: callbacksAdded)
    }

    private func checkPending(_ what: StaticString) throws(EventLoopError) {
        guard !state.isPending else { return }
        throw .invalidState("the \(what) of \(self) cannot be set")
    }

    private func schedule(_ callback: DoneCallback<Value>) {
        switch callback {
        case .waiter(let continuation):
            // On a closed loop this only logs that the task is lost.
            continuation.resume()
        case _ where loop.isClosed:
            discard(callback)
        case .callback(_, let callback):
            loop.ready.push(.callback { try callback(self) })
        case .contextCallback(_, let callback, let job):
            callback.arm(with: self)
            loop.ready.push(.contextCallback(job))
        }
    }

    private func discard(_ callback: DoneCallback<Value>) {
        switch callback {
        case .waiter, .callback:
            // A waiter keeps its future alive: it is dropped with its loop only, and its task can never go
            // on.
            break
        case .contextCallback(_, let callback, let job):
            callback.disarm()
            loop.discard(job)
        }
    }

    private nonisolated(nonsending) func untilDone() async {
        // Used on the loop's thread only: a cancel that comes elsewhere is posted there.
        nonisolated(unsafe) let future = self
        // Handed on, because the closure knows nothing of it: without it an actor on this loop would wait elsewhere.
        let isolation = #isolation
        await withTaskCancellationHandler {
            await withUnsafeContinuation(isolation: isolation) { continuation in
                future.loop.checkThread("value")
                // A task that was cancelled before it got here has cancelled the future on its way in.
                if future.state.isPending {
                    future.waiting.append(.waiter(continuation))
                } else {
                    continuation.resume()
                }
            }
        } onCancel: {
            future.cancelFromAnyThread()
        }
    }

    /// Waits until the future is done. Cancelling the task that waits changes nothing.
    nonisolated(nonsending) func untilDoneRegardless() async {
        guard state.isPending else { return }
        // Used on the loop's thread only.
        nonisolated(unsafe) let future = self
        await withUnsafeContinuation { continuation in
            future.waiting.append(.waiter(continuation))
        }
    }

    private func cancelFromAnyThread() {
        guard !loop.isOnLoopThread else {
            cancel()
            return
        }
        // It reaches only the loop's thread.
        nonisolated(unsafe) let future = self
        // A closed loop has nobody left to tell.
        _ = loop.inbox.post(.callback { future.cancel() })
    }

    // MARK: - Text

    /// The kind and the state, for logs.
    public var description: String { "a future that \(stateText)" }

    /// What it is, as the end of a sentence.
    var stateText: String {
        switch state {
        case .pending: "is pending"
        case .succeeded: "has its result"
        case .failed(let error): "failed with \(error)"
        case .cancelled: "was cancelled"
        }
    }
}

@available(*, unavailable)
extension Future: Sendable {}

extension Future where Value == Void {
    /// Ends the future.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when it is done already.
    public func setResult() throws(EventLoopError) {
        try setResult(())
    }
}
