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

    /// How often tasks are cancelled that clean-up itself has started, before the rest is left to the loop's
    /// end.
    private static let cancelRoundsMax = 8
    /// How long the default executor's work may take to end before the loop closes without it.
    private static let executorTimeout = Duration.seconds(300)

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
    /// - Throws: what `body` throws, ``EventLoopError/anotherLoopIsRunning`` within a running loop, or as
    ///   ``getLoop()``.
    @discardableResult
    public func run<Value>(_ body: sending @escaping @isolated(any) () async throws -> Value) throws -> Value
    {
        try checkNoLoopRuns()
        return try getLoop().runUntilComplete(body)
    }

    /// Cancels the tasks that are left and waits for them, hands their errors to the exception handler, waits
    /// up to five minutes for the default executor's work, and closes the loop. Twice is harmless.
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
        guard !loop.isClosed else { return }
        do {
            try cancelAllTasks(of: loop)
            try shutDownExecutor(of: loop)
        } catch {
            try loop.close()
            throw error
        }
        try loop.close()
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

    private func cancelAllTasks(of loop: any AbstractEventLoop) throws {
        for _ in 0..<Self.cancelRoundsMax {
            let tasks = try allTasks(loop).compactMap { $0 as? any RegisteredTask }
            guard !tasks.isEmpty else { return }
            try cancel(tasks, of: loop)
            for task in tasks where !task.cancelled { reportError(of: task, to: loop) }
        }
    }

    private func cancel(_ tasks: [any RegisteredTask], of loop: any AbstractEventLoop) throws {
        let allDone = loop.createFuture(of: Void.self)
        var pending = tasks.count
        for task in tasks {
            task.cancel()
            task.whenDone {
                pending -= 1
                if pending == 0 { try? allDone.setResult() }
            }
        }
        try loop.runUntilComplete(allDone)
    }

    private func shutDownExecutor(of loop: any AbstractEventLoop) throws {
        let task = loop.createTask {
            try await loop.shutdownDefaultExecutor(timeout: Self.executorTimeout)
        }
        try loop.runUntilComplete(task)
    }

    private func reportError(of task: any RegisteredTask, to loop: any AbstractEventLoop) {
        guard let error = try? task.exception() else { return }
        var context = ExceptionContext(message: "a task failed while its runner was closing", error: error)
        context.future = task
        loop.callExceptionHandler(context)
    }
}
