import CPosix
import Synchronization

extension BaseEventLoop {
    /// How long the loop waits at least, in nanoseconds, from one wake-up for timers to the next. To wake up for each of
    /// many that are due microseconds apart costs more than all else about them. A timer on its own is on time.
    private static let timerSpacing: Int64 = 100_000

    public var isRunning: Bool { runState == .running && !isForked }
    public var isClosed: Bool { runState == .closed }

    public func runForever() throws(EventLoopError) {
        try begin("runForever")
        defer { end() }
        repeat {
            if let observer { runOneTurn(observer) } else { runOneTurn(NoObserver()) }
        } while !stopRequested && !isForked
        // A callback has forked, and returned in the child.
        if isForked { throw .usedAfterFork }
    }

    public func stop() {
        checkThread("stop")
        stopRequested = true
    }

    public func close() throws(EventLoopError) {
        guard !isForked else { return closeInFork() }
        switch currentRunState.load(ordering: .acquiring) {
        case .closed: return
        case .running where isOnLoopThread: throw .alreadyRunning(call: "close")
        case .running, .idle: break
        }
        guard canBeClosedHere else { throw .wrongThread(call: "close") }
        releaseEverything()
    }

    /// While the loop's thread lives, what is in flight is its own, and it may be at work on it this moment.
    private var canBeClosedHere: Bool { !hasStarted || isOnLoopThread || thread.hasEnded }

    // MARK: - Begin and end

    /// Throws when `call` cannot run the loop on this thread now.
    func checkCanRun(_ call: String) throws(EventLoopError) {
        guard runState != .closed else { throw .closed }
        guard !isForked else { throw .usedAfterFork }
        guard runState == .idle else { throw .alreadyRunning(call: call) }
        guard cposix_get_running_loop() == nil else { throw .anotherLoopIsRunning }
        guard !hasStarted || isOnLoopThread else { throw .wrongThread(call: call) }
    }

    private func begin(_ call: String) throws(EventLoopError) {
        try checkCanRun(call)
        try bindToThisThread()
        currentRunState.store(.running, ordering: .relaxed)
        // Not retained: `end` clears it before runForever returns, and the caller holds the loop meanwhile.
        cposix_set_running_loop(Unmanaged.passUnretained(self).toOpaque())
        observer?.runBegins()
    }

    /// The loop belongs to the calling thread from its first run on.
    func bindToThisThread() throws(EventLoopError) {
        guard !hasStarted else { return }
        do { try backend.start() } catch { throw .ringUnavailable(error) }
        thread.bind()
    }

    private func end() {
        observer?.runEnds()
        stopRequested = false
        // A fork's child may have closed it within the run.
        if runState == .running { currentRunState.store(.idle, ordering: .releasing) }
        cposix_set_running_loop(nil)
    }

    func releaseEverything() {
        // Of two threads that may, one closes it.
        guard currentRunState.exchange(.closed, ordering: .acquiringAndReleasing) != .closed else { return }
        if !isOnLoopThread { thread.release() }
        dismissCompanion()
        inbox.close { job in ready.push(.contextCallback(job)) }
        shutDownDefaultExecutorWithoutWaiting()
        abandonTasks()
        timers.store.removeAll()
        signalHandlers?.removeAll()
        // First: until its operations are over, the kernel may write to a transport's memory.
        backend.close()
        let (transports, listeners) = (openTransports.takeAll(), openListeners.takeAll())
        let children = openProcesses.takeAll()
        closeLeftovers(transports)
        closeLeftovers(listeners)
        fileHolds.loseThoseInUse()
        unclaimed.closeAll(by: system)
        closeLeftovers(children)
        system.processes.endProcesses(children.compactMap { $0.takeProcess() })
        signalHandlers?.close()
        signalHandlers = nil
        // Last: what the program's objects call when they are released finds everything closed.
        for watch in watches.takeAll() { watch.abandon() }
        for transport in transports { transport.releaseUsersObjects() }
        for listener in listeners { listener.releaseUsersObjects() }
        for child in children { child.releaseUsersObjects() }
        for server in spreadServers { server.loopClosed() }
        spreadServers = []
        ready.drop { job in run(job) }
    }

    private func closeLeftovers(_ open: [some RegistryMember]) {
        for member in open {
            if debug { logger.warning("\(member) was still open when its event loop closed") }
            member.closeWithLoop(inFork: false)
        }
    }

    // MARK: - A turn

    /// One turn: submit, wait, run what was ready, deliver, run what is due, and let the tasks go on that were woken. What
    /// callbacks add runs in the next turn. A fork's child that comes back from a callback of the turn goes no further.
    ///
    /// It is compiled once for each kind of observer: without one nothing of it is left.
    @inline(__always)
    private func runOneTurn(_ observer: some TurnObserver) {
        prepareTurn(observer)
        guard !isForked else { return }
        let timeout = waitingTime()
        observer.pollBegins(waits: timeout != 0)
        backend.poll(timeoutNanoseconds: timeout)
        observer.pollEnded()
        finishTurn()
    }

    /// The part of a turn before its wait.
    @inline(__always)
    func prepareTurn(_ observer: some TurnObserver) {
        turnNumber &+= 1
        observer.turnBegins()
        flushTransports()
        if !isForked { backend.settle() }
    }

    /// The part of a turn after its wait.
    @inline(__always)
    func finishTurn() {
        inbox.wokeUp()
        ready.takePosted()
        collectDueTimers()
        isRunningCallbacks = true
        runReady(ready.count)
        let leftNothing = ready.count == 0
        isRunningCallbacks = false
        if !isForked { backend.deliver() }
        isRunningCallbacks = true
        runDueTimers()
        // What was left comes before them, in the next turn.
        if leftNothing { runWokenTasks() }
        isRunningCallbacks = false
    }

    /// Lets every transport that asked for it submit what it wants. One that asks meanwhile waits for the next turn.
    func flushTransports() {
        for _ in 0..<unflushed.count {
            guard !isForked else { return }
            let transport = unflushed.takeFirst()
            // The registry holds the transport until the line below.
            let isClosed = transport._withUnsafeGuaranteedRef { $0.flush() }
            if isClosed { openTransports.remove(transport.takeUnretainedValue()) }
        }
    }

    /// How long the poll may wait, in nanoseconds; below zero is without limit.
    func waitingTime() -> Int64 {
        if stopRequested || ready.count > 0 || !unflushed.isEmpty { return 0 }
        guard inbox.prepareToSleep() else { return 0 }
        guard let earliest = timers.store.earliest else { return -1 }
        // A day at most: some kernels' and calls' limits are not far above it, and nothing is lost by an idle turn.
        return min(max(max(earliest, timersRestUntil) - time().nanoseconds, 0), 86_400_000_000_000)
    }

    private func collectDueTimers() {
        guard let earliest = timers.store.earliest else { return }
        let now = time().nanoseconds
        guard earliest <= now else { return }
        timersRestUntil = now + Self.timerSpacing
        timers.store.collectDue(at: now)
    }

    private func runReady(_ count: Int) {
        let fork = cposix_current_fork()
        for _ in 0..<count {
            run(ready.takeFirst())
            guard cposix_current_fork() == fork else { return }
        }
    }

    /// Runs the steps of tasks that this turn's deliveries and timers made ready. A poll between the two would only delay what
    /// the tasks submit. They begin at the head of the queue, and end before the first callback, so nobody is overtaken.
    private func runWokenTasks() {
        guard !stopRequested else { return }
        for _ in 0..<ready.count {
            guard !isForked, ready.beginsWithJob else { return }
            run(ready.takeFirst())
        }
    }

    private func runDueTimers() {
        let store = timers.store
        guard store.dueCount > 0 else { return }
        if let meter { meter.timersBegin(store.dueCount, firstDue: store.firstDue) }
        for index in 0..<store.dueCount {
            guard !isForked else { return }
            run(store.takeDue(index))
        }
        store.forgetDue()
    }

    private func run(_ entry: consuming ReadyEntry) {
        guard !isObservingCallbacks else { return runObserved(entry) }
        runNow(entry)
    }

    @inline(never)
    private func runObserved(_ entry: consuming ReadyEntry) {
        guard let meter else { return runTimed(entry) }
        // A callback that was cancelled is none.
        if case .empty = entry { return }
        meter.callbackBegins()
        if debug { runTimed(entry) } else { runNow(entry) }
        meter.callbackEnds()
    }

    /// A step of a task within the delivery of a completion.
    @inline(never)
    func runObservedStep(_ job: UnownedJob) {
        guard let meter else { return runTimed(.job(job)) }
        meter.stepWithin { if debug { runTimed(.job(job)) } else { run(job) } }
    }

    @inline(__always)
    private func runNow(_ entry: consuming ReadyEntry) {
        switch entry {
        case .empty: break
        case .callback(let callback): runCallback(callback)
        case .contextCallback(let job), .job(let job): run(job)
        case .contextEnd(let job): endContext(job)
        case .wake(let waiter): wakeNow(waiter)
        }
    }

    @inline(never)
    private func wakeNow(_ waiter: Unmanaged<Waiter>) {
        let waiter = waiter.takeUnretainedValue()
        resumeNow { waiter.wake(with: 0) }
    }

    private func endContext(_ job: UnownedJob) {
        isEndingContext = true
        run(job)
        isEndingContext = false
    }

    @inline(__always)
    func runCallback(_ callback: () throws -> Void) {
        do { try callback() } catch { reportCallbackError(error) }
    }

    @inline(never)
    private func reportCallbackError(_ error: any Error) {
        callExceptionHandler(ExceptionContext(message: "a callback threw an error", error: error))
    }

    func runTimed(_ entry: consuming ReadyEntry) {
        let start = time()
        let description = describe(entry)
        runNow(entry)
        reportIfSlow(description, since: start)
    }

    private func describe(_ entry: borrowing ReadyEntry) -> String {
        switch entry {
        case .empty, .contextEnd: "nothing"
        case .callback, .contextCallback: "a callback"
        case .wake: "a task that slept for no time"
        case .job(let job): "a step of \(job)"
        }
    }

    func reportIfSlow(_ what: @autoclosure () -> String, since start: LoopInstant) {
        let duration = start.duration(to: time())
        guard duration >= slowCallbackDuration else { return }
        logger.warning("\(what()) took \(duration) on the event loop")
    }
}
