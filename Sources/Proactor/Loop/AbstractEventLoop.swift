import SystemPackage

/// An event loop: it runs callbacks and tasks one after the other on one thread, and waits for the kernel in between.
///
/// Write against this protocol to leave the choice of the loop to whoever runs the program. ``ProactorEventLoop``,
/// ``SelectorEventLoop`` and ``EventLoop`` implement it.
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
public protocol AbstractEventLoop: SocketEventLoop, SerialExecutor, TaskExecutor, Sendable {
    // MARK: Scheduling

    /// Runs `callback` once, in the loop's next turn, in the order of the calls. An error that it throws goes to the
    /// exception handler. Called within a task, the callback sees the task-local values of this moment.
    ///
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    func callSoon(_ callback: @escaping () throws -> Void) throws(EventLoopError) -> Handle

    /// As ``callSoon(_:)``, from any thread, and wakes the loop. What the callback captures moves to the loop's thread. Called
    /// within a task, of whatever thread, the callback sees the task-local values of this moment.
    ///
    /// - Throws: ``EventLoopError/closed``.
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
    /// - Throws: ``EventLoopError/closed``, `alreadyRunning`, `anotherLoopIsRunning`, `wrongThread`, `usedAfterFork`,
    ///   `ringUnavailable`.
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

    /// Whether the loop runs now.
    var isRunning: Bool { get }
    /// Whether the loop was closed.
    var isClosed: Bool { get }

    /// Drops what is still scheduled and lets go of the kernel. Twice is harmless; every other call throws afterwards.
    /// A task still suspended in a call of the loop never goes on, and what it holds is not freed. Sockets that the loop has
    /// made for such a call are closed.
    /// From the loop's thread, or from any other once that thread has ended.
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

    // MARK: Networking

    /// Connects a stream, as ``ConnectionOptions`` says, and returns when `connectionMade` was called.
    nonisolated(nonsending) func createConnection<Protocol: ConnectionProtocol>(
        _ options: ConnectionOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol)

    /// Listens, as ``ServerOptions`` says, and makes a protocol for each connection.
    nonisolated(nonsending) func createServer(
        _ options: ServerOptions,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server

    /// Stops every server of this loop gracefully, all at the same time, as ``Server/shutdownGracefully(timeout:)`` one.
    /// The loop runs on, and connections that it has made itself are left alone.
    ///
    /// - Parameter timeout: how long connections have; then those that are left are aborted.
    /// - Returns: how many connections ended in time, and how many were aborted.
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    nonisolated(nonsending) func shutdownServers(timeout: Duration) async throws -> ShutdownSummary

    /// Opens an endpoint for datagrams, as ``DatagramOptions`` says, and returns when `connectionMade` was called.
    nonisolated(nonsending) func createDatagramEndpoint<Protocol: DatagramProtocol>(
        _ options: DatagramOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any DatagramTransport, protocol: Protocol)

    /// Serves a connection that was accepted elsewhere. The transport owns `socket` from here on.
    nonisolated(nonsending) func connectAcceptedSocket<Protocol: ConnectionProtocol>(
        _ socket: FileDescriptor,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol)

    // MARK: Files

    /// Sends a file, or a stretch of it, over a transport, after what was written to it before, and returns how many bytes
    /// that were. The system does it by itself where it can: nothing is copied through this process.
    ///
    /// Until it is done nothing else can be written to the transport, and reading is paused. Closing the transport waits for
    /// it; aborting, or a peer that goes, ends it. Cancelling the task ends it too, after any number of bytes, and leaves the
    /// transport as it is. In every case ``File/position`` says how far it came: `offset` and the bytes sent.
    ///
    /// - Parameters:
    ///   - transport: one that is open for writing.
    ///   - file: opened for reading, on this loop.
    ///   - offset: where in the file to begin, in bytes.
    ///   - count: how many bytes to send at the most; `nil` is all to the end of the file.
    ///   - fallback: read the file and write it where the system cannot send this file, or over this transport, by itself.
    /// - Returns: the number of bytes sent: less than `count` when the file ends before.
    /// - Throws: ``SendFileError``; ``FileError`` for a file that is closed; `CancellationError`;
    ///   ``EventLoopError/invalidState(_:)`` for a transport that is closing, ``EventLoopError/invalidArgument(_:)``,
    ///   ``EventLoopError/closed``.
    @discardableResult
    nonisolated(nonsending) func sendFile(
        _ transport: any Transport,
        _ file: File,
        offset: Int64,
        count: Int64?,
        fallback: Bool
    ) async throws -> Int64

    /// As ``sendFile(_:_:offset:count:fallback:)``, to a connected stream socket of the caller's own, which must be left alone
    /// meanwhile. The loop makes the socket blocking or not, as it needs it.
    ///
    /// - Throws: as there, and ``SocketError`` for what is not a socket.
    @discardableResult
    nonisolated(nonsending) func sockSendFile(
        _ socket: FileDescriptor,
        _ file: File,
        offset: Int64,
        count: Int64?,
        fallback: Bool
    ) async throws -> Int64

    // MARK: Pipes

    /// Reads from a pipe, FIFO, socket or terminal, which the transport owns from here on and makes non-blocking. Returns
    /// when `connectionMade` was called.
    ///
    /// The protocol hears `eofReceived` when every writer is gone, and then `connectionLost(nil)`: what `eofReceived`
    /// returns does not matter. The transport that `connectionMade` is handed takes no writes.
    ///
    /// Non-blocking is a property of the open file, which others may share: a terminal's other users find it so too.
    ///
    /// - Throws: ``PipeError`` for what is no pipe, such as a regular file, or is not open for reading, and
    ///   ``EventLoopError/invalidState(_:)`` for what is in use already, which then stay the caller's;
    ///   ``EventLoopError/closed``; what the factory throws, and then the descriptor is closed.
    nonisolated(nonsending) func connectReadPipe<Protocol: ConnectionProtocol>(
        _ pipe: FileDescriptor,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any ReadTransport, protocol: Protocol)

    /// Writes to a pipe, FIFO, socket or terminal, which the transport owns from here on and makes non-blocking. Returns
    /// when `connectionMade` was called.
    ///
    /// When the reader goes away the connection is lost at once: with ``PipeError/failed(_:_:)`` when something was still
    /// to be written. No SIGPIPE is raised. `writeEOF` is the same as `close`, and nothing is ever received.
    ///
    /// - Throws: as ``connectReadPipe(_:protocolFactory:)``, for what is not open for writing.
    nonisolated(nonsending) func connectWritePipe<Protocol: ConnectionProtocol>(
        _ pipe: FileDescriptor,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any WriteTransport, protocol: Protocol)

    // MARK: Child processes

    /// Starts a program as a child process and returns when `connectionMade` was called.
    ///
    /// The child is started with no signal blocked, and with no descriptor of this process's but those that `options` give
    /// it. It is waited for without SIGCHLD, so the program may handle or ignore that as it likes. Starting takes the
    /// loop's thread for as long as the kernel needs, some tenths of a millisecond.
    /// A child that still runs when its loop closes is killed.
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`. It is also the child's `argv[0]`.
    ///   - arguments: the rest of the child's `argv`.
    ///   - options: its streams, environment, directory and group.
    ///   - protocolFactory: called first; when it throws, nothing is started.
    /// - Throws: ``ProcessError``, with the path, when the program cannot be started;
    ///   ``EventLoopError/invalidArgument(_:)`` for text with a zero byte in it; ``EventLoopError/closed``; what the factory
    ///   throws.
    nonisolated(nonsending) func subprocessExec<Protocol: SubprocessProtocol>(
        _ program: String,
        arguments: [String],
        options: ProcessOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol)

    /// As ``subprocessExec(_:arguments:options:protocolFactory:)``, with a command line for `/bin/sh -c`. Quote what comes
    /// from outside: the shell runs whatever the text says.
    nonisolated(nonsending) func subprocessShell<Protocol: SubprocessProtocol>(
        _ command: String,
        options: ProcessOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol)

    // MARK: Signals

    /// Calls `callback` on the loop's thread, among its other callbacks, whenever the process receives `signal`, and
    /// replaces the handler that this loop had for it. A signal wakes a loop that waits. Signals that come faster than the
    /// loop turns are told once, as the kernel does it.
    ///
    /// Any number of loops, on any threads, may handle the same signal: each is told. While one does, the signal's
    /// disposition is the library's; when the last handler is removed, or its loop closed, the signal gets the disposition
    /// back that it had before the first.
    ///
    /// - Throws: ``SignalError`` for what is no signal or cannot be handled; ``EventLoopError/closed``.
    func addSignalHandler(_ signal: Signal, _ callback: @escaping () throws -> Void) throws

    /// Removes this loop's handler of a signal. Returns false when there was none.
    ///
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    func removeSignalHandler(_ signal: Signal) throws(EventLoopError) -> Bool

    // MARK: Names

    /// The addresses of a host and a service, as `getaddrinfo(3)`. An address in numbers is answered at once,
    /// a name on the default executor, whose threads it may keep busy for as long as name servers take.
    /// Cancelling the task ends the wait, not a look-up that has begun.
    ///
    /// - Parameters:
    ///   - host: a name or an address; `nil` is this machine: its loopback addresses, or with `.passive`
    ///     every interface.
    ///   - service: a port, or a service's name such as `https`; `nil` leaves the port at zero.
    ///   - family: only addresses of this family; `nil` takes IPv4 and IPv6.
    ///   - type: only this type of socket; `nil` gives each address once for every type.
    ///   - protocolNumber: only this protocol, such as `IPPROTO_TCP`; zero takes all.
    ///   - flags: how to look up.
    /// - Throws: ``ResolutionError``, `CancellationError`, ``EventLoopError/closed``, what
    ///   ``runInExecutor(_:_:)`` throws.
    nonisolated(nonsending) func getaddrinfo(
        host: String?,
        service: String?,
        family: AddressFamily?,
        type: SocketType?,
        protocolNumber: Int32,
        flags: AddressInfoFlags
    ) async throws -> [AddressInfo]

    /// The host and the service that `address` stands for, as `getnameinfo(3)`: names as far as they can be
    /// found, or numbers. With both numeric flags it is answered at once, otherwise on the default executor.
    ///
    /// - Throws: ``ResolutionError``, also for a Unix socket's address; `CancellationError`,
    ///   ``EventLoopError/closed``, what ``runInExecutor(_:_:)`` throws.
    nonisolated(nonsending) func getnameinfo(
        _ address: SocketAddress,
        flags: NameInfoFlags
    ) async throws -> (host: String, service: String)

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
    public func createFuture() -> Future<Void> {
        createFuture(of: Void.self)
    }
}
