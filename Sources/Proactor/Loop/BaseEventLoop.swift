import Glibc
import Logging
import Synchronization
import SystemPackage

/// Whether a loop runs.
enum RunState: UInt8, AtomicRepresentable {
    case idle
    case running
    case closed
}

/// What every loop shares: all of it but the choice of the backend.
///
/// It is never made by itself: see ``ProactorEventLoop``, ``SelectorEventLoop`` and ``EventLoop``, and
/// ``AbstractEventLoop`` for what its methods promise.
///
/// `@unchecked Sendable`: the state is confined to the loop's thread, and the calls check that; the inbox is the only part
/// that other threads reach.
public class BaseEventLoop: AbstractEventLoop, @unchecked Sendable {
    package let backend: any CompletionBackend
    // The backend's, at hand for the clock and for each message: to ask the backend each time would be a second call, and two
    // references counted.
    let system: any SystemCalls
    let asksForSendsAtOnce: Bool
    let inbox: ThreadSafeInbox
    let ready: ReadyQueue
    let timers: TimerQueue
    let logger: Logger

    /// The thread that the loop belongs to.
    let thread: LoopThread

    /// Atomic, because any thread may ask whether the loop runs or is closed. Only its own thread changes it, but for the end.
    let currentRunState = Atomic<RunState>(.idle)
    // Exclusivity: these belong to the loop's thread; checks cost more than the work they would guard.
    @exclusivity(unchecked) var stopRequested = false
    /// Nothing will come any more of what is waited for, as a simulation knows: whoever waits for it is to give up.
    @exclusivity(unchecked) package var cannotGoOn = false
    /// No wait ends for timers before this instant, in nanoseconds.
    @exclusivity(unchecked) var timersRestUntil: Int64 = 0
    /// Transports that have something to submit at the end of the turn, in the order in which they asked. Not retained:
    /// `openTransports` holds every transport that is not closed, and a closed one is never in here.
    @exclusivity(unchecked) var unflushed = RawQueue<Unmanaged<LoopTransport>>()
    @exclusivity(unchecked) public var debug: Bool {
        willSet { checkThread("debug") }
        didSet { isObservingCallbacks = debug || meter != nil }
    }
    /// Those who want to know of the loop's turns, while there are any.
    @exclusivity(unchecked) var observer: LoopObserver?
    /// Whether somebody wants to know of each callback: debug mode, or what measures the loop.
    @exclusivity(unchecked) var isObservingCallbacks: Bool

    /// Whether callbacks, timers and steps of tasks run now, and not what completions bring about.
    @exclusivity(unchecked) var isRunningCallbacks = false
    /// Whether the job of a context callback runs only to end.
    @exclusivity(unchecked) var isEndingContext = false
    /// Whether a step of a task runs now.
    @exclusivity(unchecked) var isRunningJob = false
    let buffers = BufferPool()
    /// An empty array with room, for what a transport holds back while its protocol pauses. To ask the allocator for it each
    /// time would cost more than the copy.
    @exclusivity(unchecked) var spareBytes: [UInt8] = []
    /// Transports that are not closed.
    @exclusivity(unchecked) var openTransports = Registry<LoopTransport>()
    /// Child processes that are not over.
    @exclusivity(unchecked) var openProcesses = Registry<ChildProcess>()
    /// Made with the first signal handler.
    var signalHandlers: SignalHandlers?
    /// Listening sockets that are not closed.
    var openListeners = Registry<Listener>()
    /// Parts of groups' servers that do not listen themselves and are not closed.
    var spreadServers: [Server] = []
    /// Who uses which descriptor.
    let descriptors = DescriptorUses()
    /// Who waits for a Unix socket that is full.
    let receiverLines = ReceiverLines()
    /// The readers and writers.
    var watches = DescriptorWatches()
    @exclusivity(unchecked) var awaitedOperations = AwaitedOperationPool()
    /// For the tasks that wait for locks, queues and their like.
    @exclusivity(unchecked) var waiters = WaiterPool()
    /// Tasks that wait for a time, in no order.
    let sleepers = WaitList()
    let waitCancels = WaitCancels()
    let knownTasks = KnownTasks()
    /// How many turns there were.
    @exclusivity(unchecked) var turnNumber: UInt32 = 0
    /// Descriptors on their way to an owner.
    @exclusivity(unchecked) var unclaimed = UnclaimedDescriptors()
    /// The descriptors of files.
    @exclusivity(unchecked) var fileHolds = FileHolds()
    /// Tasks that are not done.
    @exclusivity(unchecked) var tasks = TaskRegistry()
    /// Iterations over async sequences of the loop that are not over.
    var sequences = SequenceRegistry()
    var defaultExecutor = DefaultExecutor.notNeededYet
    /// What stands over the loop. Other threads look at it.
    let companions = ThreadLock<(any LoopCompanion)?>(nil)
    var exceptionHandler: ExceptionHandler?
    public var slowCallbackDuration: Duration = .milliseconds(100) {
        willSet { checkThread("slowCallbackDuration") }
    }
    public var taskFactory: (any TaskFactory)? {
        willSet { checkThread("taskFactory") }
    }

    package init(backend: any CompletionBackend, label: String) {
        self.backend = backend
        system = backend.system
        asksForSendsAtOnce = backend.asksForSendsAtOnce
        let thread = LoopThread()
        self.thread = thread
        let inbox = ThreadSafeInbox(waker: backend.waker)
        self.inbox = inbox
        let ready = ReadyQueue(thread: thread, inbox: inbox)
        self.ready = ready
        timers = TimerQueue(thread: thread) { job in ready.push(.contextEnd(job)) }
        logger = Logger(label: label)
        debug = DebugMode.isOnByEnvironment
        isObservingCallbacks = debug
        backend.useFlush { [unowned self] in flushTransports() }
        // The backend calls it within what the loop asks of it, and nobody else does: the loop is alive. Any weak reference would
        // make each retain of the loop, for good, cost several times as much.
        backend.useExecutor { [unowned(unsafe) self] call throws(Errno) in try submitBlockingCall(call) }
    }

    deinit {
        // Whoever has a copy of it holds the loop. In a fork's child some of them may be kept for good.
        defer { if !isForked { buffers.deallocate() } }
        guard runState != .closed else { return }
        guard !isForked else { return letGoInFork() }
        logger.warning("an event loop was never closed; call close() when it is no longer needed")
        releaseEverything()
    }

    /// Keeps an array's room for ``spareBytes``, if there is more of it, and empties it.
    func keepSpare(_ bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        if bytes.capacity > spareBytes.capacity, bytes.capacity <= 1 << 20 { swap(&bytes, &spareBytes) }
    }

    // MARK: - Thread rule

    /// Whether the caller is on the loop's thread.
    var isOnLoopThread: Bool { thread.isCurrent }
    /// Whether it has run.
    var hasStarted: Bool { thread.isBound }

    /// Ends the program when `call` comes from a thread that may not touch the loop.
    @inline(__always)
    func checkThread(_ call: StaticString) {
        thread.check(call)
    }

    /// As ``checkThread(_:)``, and throws when the loop is closed, or is another process's.
    @inline(__always)
    func checkUsable(_ call: StaticString) throws(EventLoopError) {
        if runState == .closed { throw .closed }
        if !isOnLoopThread { try checkElsewhere(call) }
    }

    @inline(never)
    private func checkElsewhere(_ call: StaticString) throws(EventLoopError) {
        if isForked { throw .usedAfterFork }
        checkThread(call)
    }

    /// As ``checkUsable(_:)``, for an async call: a task that is cancelled already must not begin anything, also where nothing
    /// has to be waited for.
    @inline(__always)
    func checkMayBegin(_ call: StaticString) throws {
        try checkUsable(call)
        try checkCancellation()
    }

    /// As ``checkUsable(_:)``, for what lets go of something: a fork's child may do that with what it has inherited.
    func checkCanLetGo(_ call: StaticString) throws(EventLoopError) {
        if runState == .closed { throw .closed }
        checkThread(call)
    }

    /// Whether the loop runs, is closed, or neither. Other threads see of it what was last.
    var runState: RunState {
        @inline(__always) get { currentRunState.load(ordering: .relaxed) }
    }
}

/// Where debug mode starts.
enum DebugMode {
    /// Whether the environment variable `PROACTOR_DEBUG` is set to something other than `0`.
    static var isOnByEnvironment: Bool {
        guard let value = getenv("PROACTOR_DEBUG") else { return false }
        let text = String(cString: value)
        return !text.isEmpty && text != "0"
    }
}
