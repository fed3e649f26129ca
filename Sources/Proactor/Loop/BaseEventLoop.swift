import CPosix
import Logging
import Synchronization

/// What every loop shares: all of it but the choice of the backend.
///
/// It is never made by itself: see ``ProactorEventLoop``, ``SelectorEventLoop`` and ``EventLoop``, and
/// ``AbstractEventLoop`` for what its methods promise.
///
/// `@unchecked Sendable`: the state is confined to the loop's thread, and the calls check that; the inbox is the only part
/// that other threads reach.
public class BaseEventLoop: AbstractEventLoop, @unchecked Sendable {
    let backend: any CompletionBackend
    let inbox: ThreadSafeInbox
    let ready: ReadyQueue
    let timers: TimerQueue
    let logger: Logger

    // Exclusivity: these belong to the loop's thread; checks cost more than the work they would guard.
    /// The thread that runs the loop, or that made it as long as it has not run.
    var ownerThread: UInt64 {
        get { owner.load(ordering: .relaxed) }
        set { owner.store(newValue, ordering: .relaxed) }
    }
    /// Atomic, because other threads compare themselves with it.
    private let owner = Atomic<UInt64>(cposix_thread_id())
    @exclusivity(unchecked) var hasStarted = false
    /// The process that started it: a fork shares nothing with it that works.
    var startedIn: Int32 = 0
    @exclusivity(unchecked) var runState = RunState.idle
    @exclusivity(unchecked) var stopRequested = false
    /// Transports whose writes of this turn are still to be submitted.
    @exclusivity(unchecked) var unflushed = FlushList()
    /// Set while ``enqueue(_:)`` shall hand the job over instead of scheduling it.
    @exclusivity(unchecked) var jobCapture: JobCapture = .off
    @exclusivity(unchecked) public var debug: Bool

    @exclusivity(unchecked) var inboxBatch: [ReadyEntry] = []
    /// Whether a step of a task runs now.
    @exclusivity(unchecked) var isRunningJob = false
    let buffers = BufferPool()
    /// Transports that are not closed; each keeps its place in it.
    @exclusivity(unchecked) var openTransports = TransportRegistry()
    /// Listening sockets that are not closed.
    var openListeners = ListenerRegistry()
    /// Tasks that are not done.
    @exclusivity(unchecked) var tasks = TaskRegistry()
    var defaultExecutor = DefaultExecutor.notNeededYet
    var exceptionHandler: ExceptionHandler?
    public var slowCallbackDuration: Duration = .milliseconds(100)
    public var taskFactory: (any TaskFactory)?

    init(backend: any CompletionBackend, label: String) {
        self.backend = backend
        let ready = ReadyQueue()
        self.ready = ready
        timers = TimerQueue { job in ready.push(.contextCallback(job)) }
        inbox = ThreadSafeInbox(waker: backend.waker)
        logger = Logger(label: label)
        debug = DebugMode.isOnByEnvironment
        backend.useExecutor { [weak self] work in try self?.executorToUse().submit(work) }
    }

    deinit {
        guard runState != .closed else { return }
        logger.warning("an event loop was never closed; call close() when it is no longer needed")
        releaseEverything()
    }

    // MARK: - Thread rule

    /// Whether the caller is on the loop's thread.
    var isOnLoopThread: Bool { cposix_thread_id() == ownerThread }

    /// Ends the program when `call` comes from a thread that may not touch the loop.
    @inline(__always)
    func checkThread(_ call: StaticString) {
        if cposix_thread_id() != ownerThread { checkUnboundThread(call) }
    }

    @inline(never)
    private func checkUnboundThread(_ call: StaticString) {
        guard hasStarted else { return }
        // Not a precondition: those lose their message in a release build.
        fatalError(
            "\(call) was called from a thread that is not the event loop's; use callSoonThreadSafe to get there"
        )
    }

    /// As ``checkThread(_:)``, and throws when the loop is closed.
    @inline(__always)
    func checkUsable(_ call: StaticString) throws(EventLoopError) {
        if runState == .closed { throw .closed }
        checkThread(call)
    }
}
