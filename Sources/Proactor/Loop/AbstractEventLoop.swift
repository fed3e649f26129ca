/// An event loop: it runs callbacks and tasks one after the other on one thread, and waits for the kernel in between.
///
/// Write against this protocol to leave the choice of the loop to whoever runs the program. ``ProactorEventLoop``,
/// ``SelectorEventLoop`` and ``EventLoop`` implement it.
///
/// What every loop does besides running is in protocols of their own, by theme: ``NetworkEventLoop``, ``SocketEventLoop`` and
/// ``ProcessEventLoop``. Each is a part of this one.
///
/// Thread rule: everything belongs to the loop's thread, the thread that first runs it, but ``callSoonThreadSafe(_:)`` and
/// ``runCoroutineThreadSafe(name:_:)``. A call from another thread ends the program with a message that names the call.
/// Before the loop has run, its set-up may come from any one thread.
///
/// ```swift
/// let loop = try EventLoop()
/// defer { try? loop.close() }
/// try loop.runUntilComplete {
///     print("on the loop's thread")
/// }
/// ```
public protocol AbstractEventLoop: NetworkEventLoop, SocketEventLoop, ProcessEventLoop, SerialExecutor,
    TaskExecutor, Sendable
{
    // MARK: Scheduling

    /// Runs `callback` once, in the loop's next turn, in the order of the calls, those of ``callSoonThreadSafe(_:)`` included. An
    /// error that it throws goes to the exception handler. Called within a task, the callback sees the task-local values of this
    /// moment.
    ///
    /// - Throws: ``EventLoopError/closed``, ``EventLoopError/usedAfterFork``.
    @discardableResult
    func callSoon(_ callback: @escaping () throws -> Void) throws(EventLoopError) -> Handle

    /// As ``callSoon(_:)``, from any thread, and wakes the loop. What the callback captures moves to the loop's thread. Called
    /// within a task, of whatever thread, the callback sees the task-local values of this moment.
    ///
    /// - Throws: ``EventLoopError/closed``, ``EventLoopError/usedAfterFork``.
    func callSoonThreadSafe(_ callback: sending @escaping () throws -> Void) throws(EventLoopError)

    /// Runs `callback` once, `delay` from now: never early, late by what the loop is busy with, and by up to
    /// 100 µs where timers come thick, so that many share a wake-up. A delay of zero or less means the next turn.
    /// Callbacks that are due at the same instant run in the order of the calls.
    ///
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    func callLater(_ delay: Duration, _ callback: @escaping () throws -> Void) throws(EventLoopError)
        -> TimerHandle

    /// As ``callLater(_:_:)``, at an instant of the loop's clock.
    ///
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    func callAt(_ when: LoopInstant, _ callback: @escaping () throws -> Void) throws(EventLoopError)
        -> TimerHandle

    /// The time on the loop's clock.
    func time() -> LoopInstant

    // MARK: Running

    /// Runs until ``stop()``. Called before it, `stop` makes it poll once without waiting, run what is ready, and return.
    ///
    /// Connections share each turn, so that those who flood the loop hold up nobody: timers, signals, what other threads post, and
    /// other connections are heard when protocols have dealt with what takes them some two milliseconds, a piece of at most 64 KiB
    /// (256 KiB on a selector, or a ``BufferedProtocol``'s buffer), and whatever the callbacks that are ready take. A burst that
    /// comes while the loop does not know its protocols' pace can bring 2 MiB once.
    ///
    /// - Throws: ``EventLoopError/closed``, `alreadyRunning`, `anotherLoopIsRunning`, `wrongThread`, `usedAfterFork` (in a fork's
    ///   child, also when a callback has forked and returns there), `ringUnavailable`.
    func runForever() throws(EventLoopError)

    /// Runs until `future` is done, and returns its result.
    ///
    /// - Throws: the future's error, `CancellationError`, ``EventLoopError/stoppedBeforeCompletion``, or what
    ///   ``runForever()`` throws.
    @discardableResult
    func runUntilComplete<Value>(_ future: Future<Value>) throws -> Value

    /// Runs `body` as a task on the loop's thread until it returns, and returns its result.
    ///
    /// The body is `sending`, so that it is never isolated to the main actor, whose thread may be the one that runs the
    /// loop. To run a body that shares what you use afterwards, hand a task over: `runUntilComplete(createTask { … })`.
    ///
    /// - Throws: what `body` throws, and as for a future.
    @discardableResult
    func runUntilComplete<Value>(
        _ body: sending @escaping @isolated(any) () async throws -> Value
    ) throws -> Value

    /// Makes ``runForever()`` return at the end of this turn. What callbacks add meanwhile runs when the loop runs again.
    func stop()

    /// Whether the loop runs now, in this process. May be asked on any thread.
    var isRunning: Bool { get }
    /// Whether the loop was closed. May be asked on any thread.
    var isClosed: Bool { get }

    /// Drops what is still scheduled and lets go of the kernel. Twice is harmless; every other call throws afterwards.
    /// A task that has not begun, or waits in a call of the loop, never goes on, and what it holds is not freed: cancel
    /// tasks and await them first, as ``Runner`` does. Sockets that the loop has made for such a call are closed.
    /// From the loop's thread, or from any other once that thread has ended. In a fork's child, also within a callback of the
    /// loop, it closes the child's copies of the descriptors and gives signals back: child processes, the files of Unix sockets
    /// and all else stay the parent's. It waits for no other thread there, and what callbacks and protocols hold is not released.
    ///
    /// - Throws: ``EventLoopError/alreadyRunning(call:)``; ``EventLoopError/wrongThread(call:)`` from another thread while
    ///   the loop's own lives.
    func close() throws(EventLoopError)

    // MARK: Futures and tasks

    /// A future that belongs to this loop.
    func createFuture<Value>(of type: Value.Type) -> Future<Value>

    /// Starts `body` as a task on the loop's thread; its first step runs in the next turn.
    ///
    /// `Task {}` inside loop code leaves the loop: this stays on it, so the body may use what belongs to the loop, such as
    /// a transport. A body that is isolated to an actor of another thread ends the program: it could not run here. That is
    /// any closure written in main-actor code.
    @discardableResult
    func createTask<Value>(
        name: String?,
        _ body: @escaping @isolated(any) () async throws -> Value
    ) -> LoopTask<Value>

    /// What ``createTask(name:_:)`` makes tasks with; `nil` is the loop's own way.
    var taskFactory: (any TaskFactory)? { get set }

    // MARK: Async sequences

    /// Instants at a fixed distance, for a `for await` loop that does something again and again.
    ///
    /// - Parameter interval: the distance, above zero.
    /// - Throws: ``EventLoopError/invalidArgument(_:)``, ``EventLoopError/closed``.
    func ticks(every interval: Duration) throws(EventLoopError) -> LoopTicks

    /// Ends the async sequences of this loop: a task that waits for an element gets `nil`, as at a sequence's own end,
    /// and goes on before this returns. A sequence that is iterated later ends at once, and a warning is logged.
    ///
    /// It stands for asyncio's `shutdown_asyncgens`. Swift has no asynchronous generators to close: what a generator has
    /// to clean up stands behind a `for await` loop here, or in its `defer`, and runs in the task that iterates. So a loop
    /// ends in order when its tasks are cancelled and awaited, its sequences ended, and its default executor shut down;
    /// ``Runner``, ``run(options:_:)`` and ``EventLoopGroup`` do these by themselves.
    ///
    /// - Throws: ``EventLoopError/closed``.
    nonisolated(nonsending) func shutdownAsyncSequences() async throws

    // MARK: Executors

    /// Runs `work`, which may block, on `executor` or, for `nil`, on the loop's default one, and returns its
    /// result. What the work captures and returns moves between the threads.
    ///
    /// Cancelling the task ends the wait at once. Work that has not begun is not begun then; work that has is
    /// not stopped, and its result is dropped.
    ///
    /// - Throws: what `work` throws, `CancellationError`, ``EventLoopError/closed``, ``ExecutorError``,
    ///   ``EventLoopError/invalidState(_:)`` without an executor after ``shutdownDefaultExecutor(timeout:)``.
    nonisolated(nonsending) func runInExecutor<Value>(
        _ executor: (any WorkExecutor)?,
        _ work: sending @escaping () throws -> sending Value
    ) async throws -> Value

    /// As ``runInExecutor(_:_:)``, and returns the future of the result: to be waited for later, or
    /// cancelled.
    ///
    /// - Throws: ``EventLoopError/closed``, ``ExecutorError``, ``EventLoopError/invalidState(_:)`` as there.
    func startInExecutor<Value>(
        _ executor: (any WorkExecutor)?,
        _ work: sending @escaping () throws -> sending Value
    ) throws -> Future<Value>

    /// Replaces what runs the work for which no executor is named, name look-ups among it. Without it that is
    /// a ``ThreadPool``, made when it is first needed. The loop shuts it down when it closes, without
    /// waiting; the one that it replaces is left as it is.
    ///
    /// - Throws: ``EventLoopError/closed``; ``EventLoopError/invalidState(_:)`` after
    ///   ``shutdownDefaultExecutor(timeout:)``.
    func setDefaultExecutor(_ executor: any WorkExecutor) throws(EventLoopError)

    /// Shuts the default executor down for good, and returns when it is done with all its work; when that
    /// takes longer than `timeout`, it logs a warning and returns. ``Runner`` does this by itself.
    ///
    /// - Throws: `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) func shutdownDefaultExecutor(timeout: Duration?) async throws

    // MARK: Errors and debugging

    /// Replaces what is done with errors that nobody caught; `nil` restores ``defaultExceptionHandler(_:)``.
    func setExceptionHandler(_ handler: ExceptionHandler?)
    /// The handler that was set, or `nil`.
    func getExceptionHandler() -> ExceptionHandler?
    /// Logs the context as an error.
    func defaultExceptionHandler(_ context: ExceptionContext)
    /// Hands `context` to the handler; an error in the handler itself is logged.
    func callExceptionHandler(_ context: ExceptionContext)

    /// Whether the loop looks for mistakes: slow callbacks, transports and loops that were never closed. It starts as the
    /// environment variable `PROACTOR_DEBUG` says (`1` is on).
    var debug: Bool { get set }
    /// From how long a callback is logged as slow in debug mode. 100 ms unless set.
    var slowCallbackDuration: Duration { get set }

    // MARK: Measuring

    /// Whether the loop counts and times what it does, for ``metrics``. Off unless set, and then it costs nothing. While it is on, a
    /// turn looks at the clock twice and each callback once, some 20 ns each.
    var isMeasured: Bool { get set }
    /// What the loop has done since ``isMeasured`` was set or ``takeMetrics()`` was called, and what it has at the moment; `nil` while it
    /// is not measured. The loop's thread only, as all of the loop; the value is any thread's. Of a group's loops, all at once:
    /// `try await group.runOnEach { $0.metrics }`.
    var metrics: LoopMetrics? { get }
    /// As ``metrics``, and begins to count and time anew: what one call after the other returns adds up, and has a longest
    /// callback each.
    func takeMetrics() -> LoopMetrics?
}

/// What ``AbstractEventLoop/setExceptionHandler(_:)`` takes. An error that it throws is logged.
public typealias ExceptionHandler = (any AbstractEventLoop, ExceptionContext) throws -> Void

extension AbstractEventLoop {
    /// Starts `body` as a task without a name of its own on the loop's thread; its first step runs in the next turn.
    @discardableResult
    public func createTask<Value>(
        _ body: @escaping @isolated(any) () async throws -> Value
    ) -> LoopTask<Value> {
        createTask(name: nil, body)
    }

    /// A future without a value, for what only has to happen.
    @inlinable
    public func createFuture() -> Future<Void> {
        createFuture(of: Void.self)
    }
}
