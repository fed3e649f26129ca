import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func runInExecutor<Value>(
        _ executor: (any WorkExecutor)?,
        _ work: sending @escaping () throws -> sending Value
    ) async throws -> Value {
        try checkUsable("runInExecutor")
        // Work for a task that is cancelled already must not begin.
        try checkCancellation()
        return try await startInExecutor(executor, work).value()
    }

    public func startInExecutor<Value>(
        _ executor: (any WorkExecutor)?,
        _ work: sending @escaping () throws -> sending Value
    ) throws -> Future<Value> {
        try checkUsable("startInExecutor")
        let executor = try executor ?? executorToUse()
        let future = ExecutorFuture(loop: self, work: work)
        let ticket = future.makeTicket()
        do {
            try executor.submit { ticket.run() }
        } catch {
            // The caller hears of it here: nobody shall look for an outcome in the future.
            future.cancel()
            throw error
        }
        return future
    }

    public func setDefaultExecutor(_ executor: any WorkExecutor) throws(EventLoopError) {
        try checkUsable("setDefaultExecutor")
        if case .shutDown = defaultExecutor { throw Self.defaultExecutorIsShutDown }
        defaultExecutor = .ready(executor)
    }

    nonisolated(nonsending) public func shutdownDefaultExecutor(timeout: Duration?) async throws {
        try checkUsable("shutdownDefaultExecutor")
        let executor: (any WorkExecutor)? =
            switch defaultExecutor {
            case .notNeededYet: nil
            case .ready(let executor): executor
            case .shutDown(let executor): executor
            }
        defaultExecutor = .shutDown(executor)
        guard let executor else { return }
        try await shutDown(executor, timeout: timeout)
    }

    /// For a loop that closes: whatever the executor still runs has nobody left to report to.
    func shutDownDefaultExecutorWithoutWaiting() {
        if case .ready(let executor) = defaultExecutor { executor.shutdown() }
        defaultExecutor = .shutDown(nil)
    }

    // MARK: - Inside

    private static let defaultExecutorIsShutDown = EventLoopError.invalidState(
        "shutdownDefaultExecutor was called on this event loop; name an executor of your own"
    )

    private func executorToUse() throws(EventLoopError) -> any WorkExecutor {
        switch defaultExecutor {
        case .ready(let executor):
            return executor
        case .notNeededYet:
            let pool = ThreadPool()
            defaultExecutor = .ready(pool)
            return pool
        case .shutDown:
            throw Self.defaultExecutorIsShutDown
        }
    }

    /// For a backend, which knows no executors: says by an errno why the call is not made.
    func submitBlockingCall(_ call: @escaping @Sendable () -> Void) throws(Errno) {
        do {
            try executorToUse().submit(call)
        } catch ExecutorError.noThread(let errno) {
            throw errno
        } catch {
            throw .socketShutdown
        }
    }

    nonisolated(nonsending) private func shutDown(_ executor: any WorkExecutor, timeout: Duration?)
        async throws
    {
        let isDone = createFuture(of: Bool.self)
        // It is touched on the loop's thread only; a closed loop drops it unseen.
        nonisolated(unsafe) let waiter = isDone
        executor.shutdown { [inbox] in
            _ = inbox.post(.callback { if waiter.isPending { waiter.succeed(true) } })
        }
        var timer: TimerHandle?
        if let timeout {
            // Not by callLater, which would carry the calling task's context along.
            let due = time().advanced(by: timeout)
            timer = timers.insert(.callback { if waiter.isPending { waiter.succeed(false) } }, at: due)
        }
        defer { timer?.cancel() }
        guard try await !isDone.value(), let timeout else { return }
        logger.warning(
            "the default executor is still at work \(timeout) after its shutdown; its threads are left to end"
        )
    }
}

/// The result of work on an executor. Cancelling it keeps work that has not begun from beginning.
final class ExecutorFuture<Value>: Future<Value> {
    private let work: PendingWork<Value>

    init(loop: BaseEventLoop, work: sending @escaping () throws -> sending Value) {
        self.work = PendingWork(work)
        super.init(loop: loop)
    }

    @discardableResult
    override func cancel() -> Bool {
        guard super.cancel() else { return false }
        work.drop()
        return true
    }

    /// What an executor runs, once.
    func makeTicket() -> ExecutorTicket<Value> {
        ExecutorTicket(work: work, loop: loop, future: self)
    }
}
