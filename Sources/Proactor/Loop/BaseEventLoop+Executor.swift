extension BaseEventLoop {
    /// Takes a step of a Swift task, from any thread. Called by the Swift runtime.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard !capture(job) else { return }
        guard isOnLoopThread else {
            postFromElsewhere(job)
            return
        }
        guard runState != .closed else {
            reportLostJob()
            return
        }
        ready.push(.job(job))
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    /// The loop as a task executor, for `Task(executorPreference:)` and the Swift runtime.
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    /// For `assumeIsolated` and the runtime's own checks.
    public func checkIsolated() {
        precondition(isOnLoopThread, "this code must run on the event loop's thread")
    }

    /// Runs a step as a task's executor, not as an actor's: from a serial executor the runtime takes every call of a
    /// nonisolated async function for a change of executor, and enqueues the task once more for each. An actor whose
    /// executor is the loop loses nothing: what the runtime asks of it is `checkIsolated`.
    func run(_ job: UnownedJob) {
        isRunningJob = true
        job.runSynchronously(on: asUnownedTaskExecutor())
        isRunningJob = false
    }

    private func postFromElsewhere(_ job: UnownedJob) {
        if !inbox.post(.job(job)) { reportLostJob() }
    }

    private func reportLostJob() {
        logger.error("a task was resumed after its event loop had been closed, and will never end")
    }
}
