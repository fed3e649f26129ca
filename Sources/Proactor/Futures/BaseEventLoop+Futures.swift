extension BaseEventLoop {
    // Inlinable: where `Value` is known, the future's type is too, and need not be looked up.
    @inlinable
    public func createFuture<Value>(of type: Value.Type) -> Future<Value> {
        Future(loop: self)
    }

    /// Hands `context` to the exception handler from where an object is released, which may be any thread.
    /// When the loop is gone, it is logged.
    func reportFromAnyThread(_ context: ExceptionContext) {
        guard !isOnLoopThread else { return callExceptionHandler(context) }
        // The context was made here and goes nowhere else.
        nonisolated(unsafe) let handedOver = context
        if !inbox.post(.callback { self.callExceptionHandler(handedOver) }) {
            defaultExceptionHandler(context)
        }
    }

    /// Lets the job of a context callback end that will not be called. May be called on any thread.
    func discard(_ job: UnownedJob) {
        if isOnLoopThread, !isClosed {
            ready.push(.contextCallback(job))
        } else if !inbox.post(.contextCallback(job)), isOnLoopThread, !isWithinTask {
            run(job)
        }
    }
}
