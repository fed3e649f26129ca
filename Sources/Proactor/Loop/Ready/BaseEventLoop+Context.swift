import CPosix

extension BaseEventLoop {
    /// Whether a task runs now, so that there may be task-local values to carry. A running loop knows without asking the
    /// Swift runtime, which costs as much as the rest of `callSoon`.
    @inline(__always)
    var isWithinTask: Bool { runState == .running ? isRunningJob : cposix_is_within_task() }

    /// As ``isWithinTask``, on any thread.
    @inline(__always)
    var isWithinTaskOfAnyThread: Bool {
        isOnLoopThread && runState == .running ? isRunningJob : cposix_is_within_task()
    }

    /// A job that runs `callback` on this loop with the task-local values that hold now. May be called on any thread.
    ///
    /// Only a task can carry them, and a task takes them over when it is made. Its first job is caught, so that the loop can run it
    /// when the callback's turn has come. The job must be run, once: its task would never end otherwise.
    func captureContext(_ callback: @escaping () throws -> Void) -> UnownedJob {
        // Runs on this loop's thread only, as everything that the loop calls.
        nonisolated(unsafe) let callback = callback
        return captureJob {
            Task(executorPreference: self) {
                // A closing loop runs the jobs that are left only to end their tasks, and so is that of a cancelled callback run.
                guard !self.isEndingContext, self.runState != .closed else { return }
                CurrentTask.$current.withValue(nil) { self.runCallback(callback) }
            }
        }
    }

    /// The job that `body` has the runtime enqueue on this loop: it is caught in ``enqueue(_:)``, for the caller to run.
    @inline(__always)
    func captureJob(_ body: () -> Void) -> UnownedJob {
        var captured: UnownedJob?
        withUnsafeMutablePointer(to: &captured) { target in
            // The job is enqueued on this thread, within the call: the pointer is not used later.
            cposix_set_job_capture(target)
            body()
        }
        guard let captured else {
            preconditionFailure("the Swift runtime did not hand a task's job to its executor")
        }
        return captured
    }

    /// Keeps a job that ``captureJob(_:)`` waits for. Returns false when none is waited for on this thread.
    @inline(__always)
    func capture(_ job: UnownedJob) -> Bool {
        guard let target = cposix_get_job_capture() else { return false }
        cposix_set_job_capture(nil)
        // It points to the variable of a `captureJob` that is under way on this thread.
        target.assumingMemoryBound(to: UnownedJob?.self).pointee = job
        return true
    }

    /// A loop that has not run yet belongs to whoever sets it up.
    func adoptCallingThreadBeforeStart() {
        if !hasStarted { thread.adopt() }
    }
}
