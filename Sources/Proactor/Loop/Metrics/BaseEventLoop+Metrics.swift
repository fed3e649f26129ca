extension BaseEventLoop {
    public var isMeasured: Bool {
        get {
            checkThread("isMeasured")
            return meter != nil
        }
        set {
            checkThread("isMeasured")
            guard newValue != (meter != nil) else { return }
            meter = newValue ? TurnMeter(system: system) : nil
        }
    }

    public var metrics: LoopMetrics? {
        checkThread("metrics")
        return meter.map { makeMetrics($0) }
    }

    public func takeMetrics() -> LoopMetrics? {
        checkThread("takeMetrics")
        guard let meter else { return nil }
        defer { meter.reset() }
        return makeMetrics(meter)
    }

    /// What counts and times while the loop is measured.
    private(set) var meter: TurnMeter? {
        get { observer?.meter }
        set {
            let observer = observer ?? LoopObserver(system: system)
            observer.meter = newValue
            backend.meter = newValue
            self.observer = observer.isIdle ? nil : observer
            isObservingCallbacks = debug || newValue != nil
        }
    }

    // MARK: - For other threads

    /// Has the loop keep account of how busy it is, for other threads, until ``unwatchLoad()`` was called as often.
    func watchLoad() -> LoopLoad {
        let observer = observer ?? LoopObserver(system: system)
        self.observer = observer
        return observer.watchLoad()
    }

    func unwatchLoad() {
        observer?.unwatchLoad()
        if observer?.isIdle == true { observer = nil }
    }

    private func makeMetrics(_ meter: TurnMeter) -> LoopMetrics {
        let times = meter.times(isRunning: runState == .running)
        var metrics = LoopMetrics()
        metrics.turns = meter.turns
        metrics.callbacks = meter.callbacks
        metrics.timers = meter.timers
        metrics.completions = CompletionCounts(meter)
        metrics.measuredTime = .nanoseconds(times.all)
        metrics.timeInPoll = .nanoseconds(times.polls)
        metrics.timeInCallbacks = .nanoseconds(times.callbacks)
        metrics.timeSubmitting = .nanoseconds(times.submission)
        metrics.longestCallback = .nanoseconds(meter.longestCallback)
        metrics.longestTimerLag = .nanoseconds(meter.longestLag)
        metrics.openTransports = openTransports.count
        metrics.unfinishedTasks = tasks.count
        metrics.readyCallbacks = ready.count
        metrics.postedCallbacks = inbox.count
        metrics.waitingTimers = timers.count
        metrics.operationsInFlight = backend.operationCount
        let lent = buffers.lent
        (metrics.buffersLent, metrics.bytesLent) = (lent.count, lent.bytes)
        return metrics
    }
}
