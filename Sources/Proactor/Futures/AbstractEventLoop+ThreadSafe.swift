extension AbstractEventLoop {
    /// Runs `body` as a task on this loop, from any thread, and wakes the loop. What the body captures moves
    /// to the loop's thread, and what it returns moves to whoever takes it from the future.
    ///
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    public func runCoroutineThreadSafe<Value>(
        name: String? = nil,
        _ body: sending @escaping () async throws -> sending Value
    ) throws(EventLoopError) -> ConcurrentFuture<Value> {
        let future = ConcurrentFuture<Value>(loop: self)
        let ticket = ConcurrentTicket(future)
        // It was sent here, and is called once, on the loop's thread.
        nonisolated(unsafe) let body = body
        try callSoonThreadSafe {
            let future = ticket.future
            guard !future.done else { return }
            let task = self.createTask(name: name) {
                await runForConcurrentFuture(body, future)
            }
            future.setTask(task)
            // From here on the callback holds the ticket: a closing loop drops it, while the body may be left
            // suspended.
            _ = task.addPlainDoneCallback { _ in
                ticket.future.setTask(nil)
                // A task that is cancelled before its first step never looks at the body.
                ticket.future.finish(.cancelled)
            }
        }
        return future
    }
}

/// The outcome goes to the future alone: the task would keep the value that is to leave the thread.
private nonisolated(nonsending) func runForConcurrentFuture<Value>(
    _ body: () async throws -> sending Value,
    _ future: ConcurrentFuture<Value>
) async {
    do {
        let value = try await body()
        future.finish(.succeeded(value))
    } catch {
        future.finish(FutureOutcome(error: error))
    }
}
