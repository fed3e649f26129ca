extension BaseEventLoop {
    @discardableResult
    public func createTask<Value>(
        name: String?,
        _ body: @escaping @isolated(any) () async throws -> Value
    ) -> LoopTask<Value> {
        checkThread("createTask")
        guard let taskFactory else { return LoopTask(on: self, name: name, body) }
        return taskFactory.makeTask(on: self, name: name, body)
    }

    @discardableResult
    public func runUntilComplete<Value>(
        _ body: sending @escaping @isolated(any) () async throws -> Value
    ) throws -> Value {
        // First: a body that is refused must not begin, not even when the loop runs some time later.
        try checkCanRun("runUntilComplete")
        try bindToThisThread()
        return try runUntilComplete(createTask(name: nil, body))
    }

    @discardableResult
    public func runUntilComplete<Value>(_ future: Future<Value>) throws -> Value {
        try checkCanRun("runUntilComplete")
        guard future.loop === self else {
            throw EventLoopError.invalidArgument("\(future) belongs to another event loop")
        }
        // The callback may be scheduled and not have run when the loop stops: it must not stop the next run.
        var isWaiting = true
        let token = future.addPlainDoneCallback { [unowned self] _ in
            if isWaiting { stop() }
        }
        defer {
            isWaiting = false
            future.removeDoneCallback(token)
        }
        try runForever()
        guard future.done else { throw EventLoopError.stoppedBeforeCompletion }
        return try future.result()
    }

    /// Forgets the tasks that a closing loop leaves behind: they will never go on.
    func abandonTasks() {
        for task in tasks.takeAll() {
            if debug { logger.warning("the event loop was closed while \(task) was pending") }
            task.abandon()
        }
    }

    /// A body of an actor that lives on another thread would leave the loop at its first step; if that thread
    /// is the one that runs the loop, as with the main actor, it would wait for ever.
    func checkIsolation(of actor: (any Actor)?) {
        guard let actor, actor.unownedExecutor.asSerialExecutor() !== self else { return }
        // Not a precondition: those lose their message in a release build.
        fatalError(
            """
            a task's body is isolated to \(type(of: actor)) and cannot run on the event loop's thread; \
            write it in a nonisolated function
            """
        )
    }
}
