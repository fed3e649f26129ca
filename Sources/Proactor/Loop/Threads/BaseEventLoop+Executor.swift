import CPosix

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
        // Not a precondition: those lose their message in a release build.
        guard isOnLoopThread else { fatalError("this code must run on the event loop's thread") }
    }

    /// Runs a step as a task's executor, not as an actor's: from a serial executor the runtime takes every call of a
    /// nonisolated async function for a change of executor, and enqueues the task once more for each. An actor whose
    /// executor is the loop loses nothing: what the runtime asks of it is `checkIsolated`.
    func run(_ job: UnownedJob) {
        isRunningJob = true
        job.runSynchronously(on: asUnownedTaskExecutor())
        isRunningJob = false
    }

    /// As ``run(_:)``, also within a step of another task.
    func runNested(_ job: UnownedJob) {
        let wasRunningJob = isRunningJob
        run(job)
        isRunningJob = wasRunningJob
    }

    /// Runs the step that `resume` makes ready at once instead of in the next turn: a completion that ends a task's wait calls
    /// the task as it would call a protocol. What the task then submits leaves with this turn's other submissions.
    @inline(__always)
    func resumeNow(_ resume: () -> Void) {
        // A wait ends within a delivery, when no job runs; anything else that a step makes ready is queued.
        guard !isRunningJob else { return resume() }
        var captured: UnownedJob?
        withUnsafeMutablePointer(to: &captured) { target in
            // The step is enqueued on this thread, within the call: the pointer is not used later.
            cposix_set_job_capture(target)
            resume()
            cposix_set_job_capture(nil)
        }
        guard let captured else { return }
        if isObservingCallbacks { runObservedStep(captured) } else { run(captured) }
    }

    private func postFromElsewhere(_ job: UnownedJob) {
        if !inbox.post(.job(job)) { reportLostJob() }
    }

    private func reportLostJob() {
        // In a fork's child the task is a copy of one that goes on in the parent.
        guard !isForked else { return }
        logger.error("a task was resumed after its event loop had been closed, and will never end")
    }
}
