import CPosix

/// Turns one by one, for a simulation that runs several loops on one thread. A turn is cut where it waits: `beginStep` says for
/// how long, and `finishStep` goes on when the wait is over. In between nobody runs, and other threads see a loop that sleeps.
extension BaseEventLoop {
    /// The loop counts as running from here on, until ``endSteps()``.
    package func beginSteps() throws(EventLoopError) {
        try checkCanRun("run")
        try bindToThisThread()
        currentRunState.store(.running, ordering: .relaxed)
        observer?.runBegins()
    }

    /// Submits what there is to submit. Returns how long the turn may wait, in nanoseconds; below zero is without limit.
    package func beginStep() -> Int64 {
        asRunningLoop {
            if let observer { prepareTurn(observer) } else { prepareTurn(NoObserver()) }
            let timeout = waitingTime()
            observer?.pollBegins(waits: timeout != 0)
            return timeout
        }
    }

    /// Takes completions, and runs what they, other threads and timers bring.
    package func finishStep() {
        asRunningLoop {
            backend.poll(timeoutNanoseconds: 0)
            observer?.pollEnded()
            finishTurn()
        }
    }

    /// The loop runs no longer, and may be run in another way or closed.
    package func endSteps() {
        if runState == .running { observer?.runEnds() }
        stopRequested = false
        if runState == .running { currentRunState.store(.idle, ordering: .releasing) }
    }

    /// Whether `stop()` was called in this run.
    package var isAskedToStop: Bool { stopRequested }

    /// Runs `body` as a part of the loop's run.
    package func asRunningLoop<Result>(_ body: () -> Result) -> Result {
        let former = cposix_get_running_loop()
        // Not retained: the pointer is taken back below, and the caller holds the loop meanwhile.
        cposix_set_running_loop(Unmanaged.passUnretained(self).toOpaque())
        defer { cposix_set_running_loop(former) }
        return body()
    }

    /// Cancels the tasks that are left, ends sequences, servers and connections, and closes the loop, as at the end of a program.
    ///
    /// - Parameter inspect: called before it is closed, with how many transports, listeners, children and tasks are left.
    package func finishAndClose(
        _ inspect: ((transports: Int, listeners: Int, children: Int, tasks: Int)) -> Void
    ) throws {
        try LoopFinisher(loop: self).finish(abortingConnections: true) {
            inspect((openTransports.count, openListeners.count, openProcesses.count, tasks.count))
        }
    }
}
