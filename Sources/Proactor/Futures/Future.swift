/// Where a future is in its life. It leaves `pending` once, and for good.
enum FuturePhase: UInt8 {
    case pending
    case succeeded
    case failed
    case cancelled
}

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
public class Future<Value>: AnyFuture, CancellableWait, CustomStringConvertible {
    let loop: BaseEventLoop
    // Exclusivity: a future belongs to the loop's thread, and no method calls out while it changes these.
    // All of them are of one size, whatever `Value` is. Code that does not know it would ask the Swift runtime for the type
    // of each that is not, at each use and for the future's end: that cost more than all the rest of a wait.
    @exclusivity(unchecked) private(set) final var phase = FuturePhase.pending
    @exclusivity(unchecked) private var isErrorSeen = false
    @exclusivity(unchecked) private var callbacksAdded: UInt32 = 0
    /// What waits that came first, if it is a task or a watcher.
    @exclusivity(unchecked) private var first = FirstWait.nobody
    /// What else waits.
    @exclusivity(unchecked) private var others: DoneCallbackList<Value>?
    @exclusivity(unchecked) private var failure: (any Error)?
    /// The result; none is kept when it is nothing.
    @exclusivity(unchecked) private var success: FutureValue<Value>?

    @usableFromInline
    init(loop: BaseEventLoop) {
        self.loop = loop
    }

    deinit {
        reportUnseenError { "a future failed, and nobody looked at its error" }
        releaseContents()
    }

    /// Each of these may hold the next future, and so on.
    private func releaseContents() {
        guard others != nil || success != nil || failure != nil || first.watcher != nil else { return }
        if ChainRelease.begin() {
            first = .nobody
            others = nil
            success = nil
            failure = nil
            ChainRelease.end()
        } else {
            if let watcher = first.watcher { ChainRelease.keep(watcher) }
            if let others { ChainRelease.keep(others) }
            if let success { ChainRelease.keep(success) }
            if let failure { ChainRelease.keep(Held(failure)) }
        }
    }

    // MARK: - Outcome

    /// Whether there is an outcome: a result, an error or a cancellation.
    public var done: Bool {
        loop.checkThread("Future.done")
        return phase != .pending
    }

    /// Whether the outcome is a cancellation.
    public var cancelled: Bool {
        loop.checkThread("Future.cancelled")
        return phase == .cancelled
    }

    /// The result.
    ///
    /// - Throws: the error that was set, `CancellationError` when the future was cancelled,
    ///   ``EventLoopError/invalidState(_:)`` when it is not done.
    public func result() throws -> Value {
        loop.checkThread("Future.result")
        guard phase == .succeeded else { throw errorInsteadOf("result") }
        if let success { return success.value }
        precondition(Value.self == Void.self, "a future succeeded without a result")
        return () as! Value
    }

    /// The error, or `nil` after a success. Counts as having looked at the error.
    ///
    /// - Throws: `CancellationError` when the future was cancelled, ``EventLoopError/invalidState(_:)`` when
    ///   it is not done.
    public func exception() throws -> (any Error)? {
        loop.checkThread("Future.exception")
        switch phase {
        case .succeeded: return nil
        case .failed: return errorInsteadOf("error")
        case .cancelled, .pending: throw errorInsteadOf("error")
        }
    }

    /// Waits until the future is done, and returns its result.
    ///
    /// Cancelling the task that waits cancels the future, and every other task that waits for it.
    ///
    /// - Throws: the error that was set, `CancellationError`, or ``EventLoopError/closed`` when it is not done and its loop is
    ///   closed.
    public final nonisolated(nonsending) func value() async throws -> Value {
        loop.checkThread("Future.value")
        if phase == .pending {
            // Nobody would let the task go on.
            if loop.isClosed { throw EventLoopError.closed }
            await untilDone(orCancelled: self)
        }
        return try result()
    }

    // MARK: - Setting it

    /// Ends the future with a result.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when it is done already.
    public func setResult(_ value: Value) throws(EventLoopError) {
        loop.checkThread("Future.setResult")
        try checkPending("result")
        succeed(value)
    }

    /// Ends the future with an error; with a `CancellationError` it is cancelled.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when it is done already.
    public func setException(_ error: any Error) throws(EventLoopError) {
        loop.checkThread("Future.setException")
        try checkPending("error")
        fail(error)
    }

    /// Ends the future with a result, unless it is done already: for ends that may come together, such as an answer and a time-out.
    /// Returns whether it did.
    @discardableResult
    public func trySetResult(_ value: Value) -> Bool {
        loop.checkThread("Future.trySetResult")
        guard phase == .pending else { return false }
        succeed(value)
        return true
    }

    /// Ends the future with an error, unless it is done already; with a `CancellationError` it is cancelled. Returns whether it
    /// did.
    @discardableResult
    public func trySetException(_ error: any Error) -> Bool {
        loop.checkThread("Future.trySetException")
        guard phase == .pending else { return false }
        fail(error)
        return true
    }

    /// Cancels the future. Returns false, and does nothing, when it is done already.
    @discardableResult
    public func cancel() -> Bool {
        loop.checkThread("Future.cancel")
        guard phase == .pending else { return false }
        end(.cancelled)
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
        guard phase == .pending, !loop.isClosed else {
            // On a closed loop there is nobody to run it.
            _ = try? loop.callSoon { try callback(self) }
            return token
        }
        guard loop.isWithinTask else {
            append(.callback(number: token.number, callback))
            return token
        }
        let contextCallback = ContextDoneCallback(callback, loop: loop)
        let job = loop.captureContext { try contextCallback.run() }
        append(.contextCallback(number: token.number, contextCallback, job))
        return token
    }

    /// Takes a callback back that is not scheduled yet. Returns whether there was one.
    @discardableResult
    public func removeDoneCallback(_ token: DoneCallbackToken) -> Bool {
        loop.checkThread("Future.removeDoneCallback")
        guard token.future == ObjectIdentifier(self), let removed = others?.remove(number: token.number)
        else {
            return false
        }
        removed.discard()
        return true
    }

    /// As ``addDoneCallback(_:)``, without the values of the task that calls: for the library's own
    /// callbacks.
    func addPlainDoneCallback(_ callback: @escaping (Future<Value>) throws -> Void) -> DoneCallbackToken {
        let token = makeToken()
        if phase == .pending {
            append(.callback(number: token.number, callback))
        } else {
            loop.ready.push(.callback { try callback(self) })
        }
        return token
    }

    /// Tells `watcher` at once when the future is done, which it must not be yet.
    final func watch(by watcher: FutureWatcher, number: Int) {
        precondition(phase == .pending, "a future that is done was watched")
        if case .nobody = first, others == nil {
            first = .watcher(watcher, number: number)
        } else {
            append(.watcher(watcher, number: number))
        }
    }

    final func stopWatching(by watcher: FutureWatcher) {
        if first.watcher === watcher { first = .nobody }
        others?.remove(watcher)
    }

    // MARK: - Inside

    final var isPending: Bool { phase == .pending }

    /// Ends the future with a result.
    final func succeed(_ value: Value) {
        if Value.self != Void.self { success = FutureValue(value) }
        end(.succeeded)
    }

    /// Ends the future with an error, or cancels it.
    final func fail(_ error: any Error) {
        guard !(error is CancellationError) else { return end(.cancelled) }
        failure = error
        end(.failed)
    }

    final func finish(_ outcome: FutureOutcome<Value>) {
        switch outcome {
        case .succeeded(let value): succeed(value)
        case .failed(let error): fail(error)
        case .cancelled: end(.cancelled)
        }
    }

    /// Leaves `pending`, and schedules whatever waits.
    private func end(_ phase: FuturePhase) {
        precondition(self.phase == .pending, "a future was finished twice")
        self.phase = phase
        let first = self.first
        self.first = .nobody
        switch first {
        case .nobody: break
        // On a closed loop this only logs that the task is lost.
        case .task(let continuation): continuation.resume()
        case .watcher(let watcher, let number): watcher.futureEnded(number, phase)
        }
        // Not taken out of the optional by its own method, which looks its type up.
        guard let others else { return }
        self.others = nil
        others.takeEach(schedule)
    }

    /// What is thrown in place of `what`, and counts as seen from here on.
    @inline(never)
    private func errorInsteadOf(_ what: StaticString) -> any Error {
        if phase == .cancelled { return CancellationError() }
        guard let failure else { return EventLoopError.invalidState("the \(what) of \(self) was asked for") }
        isErrorSeen = true
        return failure
    }

    /// Tells the exception handler about an error that nobody looked at. Called when the future is released,
    /// which may happen on any thread.
    func reportUnseenError(_ message: () -> String) {
        guard let failure, !isErrorSeen else { return }
        isErrorSeen = true
        var context = ExceptionContext(message: message(), error: failure)
        // Not the future: who kept it from here on would keep what is being released.
        context.future = makeReleased(failure)
        loop.reportFromAnyThread(context)
    }

    /// What stands for this future when it is released.
    func makeReleased(_ error: any Error) -> ReleasedFuture {
        ReleasedFuture(description, error: error, loop: loop)
    }

    /// Drops all that waits, for a loop that will not run again.
    func discardCallbacks() {
        // A waiter keeps its future alive: it is dropped with its loop only, and its task can never go on.
        first = .nobody
        others = nil
    }

    private func append(_ callback: DoneCallback<Value>) {
        let list = others ?? DoneCallbackList()
        others = list
        list.append(callback)
    }

    private func append(_ continuation: UnsafeContinuation<Void, Never>) {
        if case .nobody = first, others == nil {
            first = .task(continuation)
        } else {
            append(.waiter(continuation))
        }
    }

    private func makeToken() -> DoneCallbackToken {
        callbacksAdded &+= 1
        return DoneCallbackToken(future: ObjectIdentifier(self), number: Int(callbacksAdded))
    }

    private func checkPending(_ what: StaticString) throws(EventLoopError) {
        guard phase != .pending else { return }
        throw .invalidState("the \(what) of \(self) cannot be set")
    }

    private func schedule(_ callback: DoneCallback<Value>) {
        switch callback {
        case .waiter(let continuation):
            // On a closed loop this only logs that the task is lost.
            continuation.resume()
        case .watcher(let watcher, let number):
            watcher.futureEnded(number, phase)
        case _ where loop.isClosed:
            callback.discard()
        case .callback(_, let callback):
            loop.ready.push(.callback { try callback(self) })
        case .contextCallback(_, let callback, let job):
            callback.arm(with: self)
            loop.ready.push(.contextCallback(job))
        }
    }

    /// Waits until the future is done. Cancelling the task that waits cancels `wait`: the future, or whatever brings it about.
    // Not inlined: see `CancellationHandler`.
    @inline(never)
    private nonisolated(nonsending) func untilDone(orCancelled wait: any CancellableWait) async {
        let handler = CancellationHandler(for: wait)
        defer { handler.remove() }
        await untilDoneRegardless()
    }

    /// Waits until the future is done. When the task that waits is cancelled before, `onCancel` is called on the loop's thread,
    /// and the wait goes on.
    final nonisolated(nonsending) func untilDone(onCancel: @escaping () -> Void) async {
        await untilDone(orCancelled: CancelCall(loop: loop) { if self.isPending { onCancel() } })
    }

    /// Waits until the future is done. Cancelling the task that waits changes nothing.
    @inline(__always)
    final nonisolated(nonsending) func untilDoneRegardless() async {
        // Used on the loop's thread only.
        nonisolated(unsafe) let future = self
        await suspendTask { continuation in
            future.loop.checkThread("Future.value")
            // It may be done by now: a cancelled task has cancelled it on its way here, and one that is isolated to an actor of
            // this loop comes by the ready queue.
            if future.phase == .pending { future.append(continuation) } else { continuation.resume() }
        }
    }

    func cancelWait() {
        cancel()
    }

    // MARK: - Text

    /// The kind and the state, for logs.
    public var description: String { "a future that \(stateText)" }

    /// What it is, as the end of a sentence.
    var stateText: String {
        switch phase {
        case .pending: "is pending"
        case .succeeded: "has its result"
        case .failed: "failed with \(failure.map { "\($0)" } ?? "an error")"
        case .cancelled: "was cancelled"
        }
    }
}

@available(*, unavailable)
extension Future: Sendable {}
