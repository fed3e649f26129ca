/// Brings a loop that does not run any more to its end: what asyncio's runner does.
struct LoopFinisher {
    /// How often tasks are cancelled that clean-up itself has started, before the rest is left to the loop's end.
    private static let cancelRoundsMax = 8
    /// How long the default executor's work may take to end before the loop closes without it.
    private static let executorTimeout = Duration.seconds(300)
    /// How many turns aborted connections have to go: two are enough, unless the kernel is slow to end operations. Turns without
    /// work take no time, so all but the first ones wait a little: a second in all.
    private static let abortTurnsMax = 1_000
    private static let promptTurns = 8
    private static let abortPause = Duration.milliseconds(1)

    let loop: any AbstractEventLoop

    /// Cancels the tasks that are left and waits for them, ends the async sequences, waits for the default executor, and
    /// closes the loop.
    ///
    /// - Parameter abortingConnections: also closes the servers and aborts the connections that are left, so that their
    ///   protocols hear of the end.
    /// - Parameter beforeClosing: called when only the loop itself is left.
    func finish(abortingConnections: Bool = false, beforeClosing: () -> Void = {}) throws {
        guard !loop.isClosed else { return }
        // In a fork's child the tasks, and all else, go on in the parent.
        if (loop as? BaseEventLoop)?.isForked == true { return try loop.close() }
        do {
            try cancelAllTasks()
            try shutDownSequences()
            if abortingConnections { try abortConnections() }
            try shutDownExecutor()
            // Those that came meanwhile, from other threads too: left in a closed loop, each would stay suspended and keep it. No turn
            // follows in which there could be more.
            try cancelAllTasks()
            beforeClosing()
        } catch {
            try loop.close()
            throw error
        }
        try loop.close()
    }

    private func cancelAllTasks() throws {
        for _ in 0..<Self.cancelRoundsMax {
            let tasks = try allTasks(loop).compactMap { $0 as? any RegisteredTask }
            guard !tasks.isEmpty else { return }
            try cancel(tasks)
            for task in tasks where !task.cancelled { reportError(of: task) }
        }
    }

    private func cancel(_ tasks: [any RegisteredTask]) throws {
        let allDone = loop.createFuture(of: Void.self)
        var pending = tasks.count
        for task in tasks {
            task.cancel()
            task.whenDone {
                pending -= 1
                if pending == 0 { allDone.succeed(()) }
            }
        }
        try run(until: allDone)
    }

    /// A `stop()` that somebody has called, or calls in a clean-up, must not keep the rest from being done.
    private func run(until future: Future<Void>) throws {
        while true {
            do {
                return try loop.runUntilComplete(future)
            } catch EventLoopError.stoppedBeforeCompletion {
                // In a simulation it is known that nothing will come.
                if let loop = loop as? BaseEventLoop, loop.cannotGoOn {
                    throw EventLoopError.stoppedBeforeCompletion
                }
            }
        }
    }

    private func shutDownSequences() throws {
        let task = loop.createTask { try await loop.shutdownAsyncSequences() }
        try run(until: task)
    }

    private func abortConnections() throws {
        guard let loop = loop as? BaseEventLoop else { return }
        for server in loop.openServers { server.close() }
        for transport in loop.openTransports.members { transport.loseConnection(nil) }
        var turns = 0
        while loop.openTransports.count > 0, turns < Self.abortTurnsMax {
            if turns < Self.promptTurns {
                // Stopped before it runs, it takes one turn.
                loop.stop()
            } else {
                try loop.callLater(Self.abortPause) { loop.stop() }
            }
            try loop.runForever()
            turns += 1
        }
    }

    private func shutDownExecutor() throws {
        let task = loop.createTask {
            try await loop.shutdownDefaultExecutor(timeout: Self.executorTimeout)
        }
        try run(until: task)
    }

    private func reportError(of task: any RegisteredTask) {
        guard let error = try? task.exception() else { return }
        var context = ExceptionContext(message: "a task failed while its loop was closing", error: error)
        context.future = task
        loop.callExceptionHandler(context)
    }
}
