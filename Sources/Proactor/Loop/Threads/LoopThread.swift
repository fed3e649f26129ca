import CPosix
import Synchronization

/// Which thread a loop, and all that it made, belongs to. Handles and sockets keep it, to ask without the loop.
final class LoopThread: Sendable {
    private struct Life: Sendable {
        weak var thread: ThreadLife?
    }

    /// The thread that runs the loop, or the one that sets it up as long as it has not run. Atomic, because other threads
    /// compare themselves with it.
    private let owner = Atomic<UInt64>(cposix_thread_id())
    private let bound = Atomic<Bool>(false)
    private let life = ThreadLock(Life())

    /// Whether the loop has run: then it belongs to one thread for good.
    var isBound: Bool { bound.load(ordering: .relaxed) }

    /// Whether the caller is on it.
    var isCurrent: Bool {
        @inline(__always) get { cposix_thread_id() == owner.load(ordering: .relaxed) }
    }

    /// Whether the thread that ran the loop is gone.
    var hasEnded: Bool { isBound && life.withLock { $0.thread == nil } }

    /// The calling thread is the loop's from here on.
    func bind() {
        adopt()
        life.withLock { $0.thread = ThreadLife.current }
        bound.store(true, ordering: .relaxed)
    }

    /// Makes the calling thread the one that may touch the loop: before it has run, or to close it.
    func adopt() {
        owner.store(cposix_thread_id(), ordering: .relaxed)
    }

    /// Any thread may touch what is left of the loop: it was closed on another thread than its own.
    func release() {
        adopt()
        bound.store(false, ordering: .relaxed)
    }

    /// Ends the program when `call` comes from a thread that may not touch the loop.
    @inline(__always)
    func check(_ call: StaticString) {
        if !isCurrent { checkUnbound(call) }
    }

    @inline(never)
    private func checkUnbound(_ call: StaticString) {
        guard isBound else { return }
        // Not a precondition: those lose their message in a release build.
        fatalError(
            """
            \(call) was called from a thread that is not the event loop's; use callSoonThreadSafe or \
            runCoroutineThreadSafe to get there, and createTask for a task that stays there: Task {} leaves the loop
            """
        )
    }
}

/// Stands for a thread, and goes when the thread ends.
final class ThreadLife: Sendable {
    private static let lives = ThreadLocalObject()

    /// The calling thread's. Nobody else keeps it: whoever wants to know about the thread refers to it weakly.
    static var current: ThreadLife {
        if let life = lives.value as? ThreadLife { return life }
        let life = ThreadLife()
        lives.value = life
        return life
    }
}
