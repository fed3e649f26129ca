import CPosix

/// Runs async functions on a loop of its own, one after the other: for programs and tools that need several.
/// ``run(options:_:)`` is the same for one.
///
/// The loop is made when it is first needed, and is the thread's current one until ``close()``.
///
/// Thread rule: one thread uses it.
///
/// ```swift
/// let runner = Runner()
/// defer { try? runner.close() }
/// let port = try runner.run { try await startServer() }
/// try runner.run { try await talk(to: port) }
/// ```
public final class Runner {
    private enum State {
        case created
        case ready(any AbstractEventLoop)
        case closed
    }

    private let options: RunnerOptions
    private var state = State.created

    /// A runner without a loop yet.
    public init(options: RunnerOptions = RunnerOptions()) {
        self.options = options
    }

    /// The runner's loop, made now if it was not before.
    ///
    /// - Throws: ``EventLoopError/closed`` after ``close()``, or what the loop factory throws.
    public func getLoop() throws -> any AbstractEventLoop {
        switch state {
        case .ready(let loop): return loop
        case .closed: throw EventLoopError.closed
        case .created: return try makeLoop()
        }
    }

    /// Runs `body` on the loop until it returns. Tasks that it leaves behind stay until the next run, or
    /// until ``close()`` cancels them.
    ///
    /// The first of ``RunnerOptions/signals`` cancels the body's task. A body that catches this and returns, or throws an error of
    /// its own, is like any other. When it throws the `CancellationError`, the runner is closed, and the program ends as the signal
    /// ends programs: without a backtrace, and with the status that whoever started it expects. What the caller has to clean up
    /// belongs into the body; standard output is flushed. The second signal ends the program at once.
    ///
    /// - Throws: what `body` throws, ``EventLoopError/anotherLoopIsRunning`` within a running loop, ``SignalError`` for a signal
    ///   that cannot be handled, or as ``getLoop()``.
    @discardableResult
    public func run<Value>(_ body: sending @escaping @isolated(any) () async throws -> Value) throws -> Value
    {
        try checkNoLoopRuns()
        let loop = try getLoop()
        guard let base = loop as? BaseEventLoop else { return try loop.runUntilComplete(body) }
        try base.checkCanRun("run")
        try base.bindToThisThread()
        var task: LoopTask<Value>?
        let end = SignalledEnd(signals: signals(on: base)) { task?.cancel() }
        try base.addEnd(end)
        let main = loop.createTask(name: nil, body)
        task = main
        let result = Result { try loop.runUntilComplete(main) }
        if let signal = end.signal, case .failure(let error) = result, error is CancellationError {
            // Nobody is left to be told what goes wrong with it.
            try? close()
            base.system.processes.endProgram(by: signal)
        }
        base.removeEnd(end)
        return try result.get()
    }

    /// The signals that end a body.
    private func signals(on loop: BaseEventLoop) -> [Signal] {
        if let signals = options.signals { return signals }
        let takesInterrupt = cposix_is_first_thread() && !loop.system.processes.isIgnored(.interrupt)
        return takesInterrupt ? [.interrupt] : []
    }

    /// Cancels the tasks that are left and waits for them, hands their errors to the exception handler, ends the
    /// async sequences of the loop as ``AbstractEventLoop/shutdownAsyncSequences()``, waits up to five minutes for
    /// the default executor's work, and closes the loop. Twice is harmless.
    ///
    /// - Throws: ``EventLoopError/anotherLoopIsRunning`` within a running loop.
    public func close() throws {
        guard case .ready(let loop) = state else {
            state = .closed
            return
        }
        try checkNoLoopRuns()
        state = .closed
        defer { setEventLoop(nil) }
        try LoopFinisher(loop: loop).finish()
    }

    private func makeLoop() throws -> any AbstractEventLoop {
        let loop = try options.loopFactory?() ?? newEventLoop()
        if let debug = options.debug { loop.debug = debug }
        setEventLoop(loop)
        state = .ready(loop)
        return loop
    }

    private func checkNoLoopRuns() throws(EventLoopError) {
        if runningLoop() != nil { throw .anotherLoopIsRunning }
    }
}
