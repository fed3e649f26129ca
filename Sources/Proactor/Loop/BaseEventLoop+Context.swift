extension BaseEventLoop {
    /// Whether a task runs now, so that there may be task-local values to carry. A running loop knows without asking the
    /// Swift runtime, which costs as much as the rest of `callSoon`.
    @inline(__always)
    var isWithinTask: Bool { runState == .running ? isRunningJob : isCallerWithinTask }

    @inline(never)
    private var isCallerWithinTask: Bool { withUnsafeCurrentTask { $0 != nil } }

    /// A job that runs `callback` with the task-local values that hold now.
    ///
    /// Only a task can carry them, and a task takes them over when it is made. Its first job is caught in
    /// ``enqueue(_:)``, so that the loop can run it when the callback's turn has come. The job must be run, once: its task
    /// would never end otherwise.
    func captureContext(_ callback: @escaping () throws -> Void) -> UnownedJob {
        precondition(isOnLoopThread || !hasStarted, "a context was captured away from the loop's thread")
        adoptCallingThreadBeforeStart()
        jobCapture = .waiting
        // Runs on this loop's thread only, as everything that the loop calls.
        nonisolated(unsafe) let callback = callback
        Task(executorPreference: self) {
            // A closing loop runs the jobs that are left only to end their tasks.
            guard self.runState != .closed else { return }
            CurrentTask.$current.withValue(nil) { self.runCallback(callback) }
        }
        guard case .captured(let job) = jobCapture else {
            preconditionFailure("the Swift runtime did not hand a task's first job to its executor")
        }
        jobCapture = .off
        return job
    }

    /// A loop that has not run yet belongs to whoever sets it up.
    func adoptCallingThreadBeforeStart() {
        if !hasStarted { thread.adopt() }
    }
}
