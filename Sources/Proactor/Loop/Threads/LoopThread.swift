import CPosix
import Synchronization

/// Which thread a loop, and all that it made, belongs to. Handles and sockets keep it, to ask without the loop.
///
/// `@unchecked Sendable`: the end of the thread is set before `bound`, and looked at after that.
final class LoopThread: @unchecked Sendable {
    /// A child of it has a copy of the loop, and may do no more than let go of it.
    let process = ProcessOfOrigin()
    /// The thread that runs the loop, or the one that sets it up as long as it has not run. Atomic, because other threads
    /// compare themselves with it.
    private let owner = Atomic<UInt64>(cposix_thread_id())
    private let bound = Atomic<Bool>(false)
    private var end: ThreadEnd?

    /// Whether the loop has run: then it belongs to one thread for good.
    var isBound: Bool { bound.load(ordering: .acquiring) }

    /// Whether the caller is on it. In a fork's child nobody is: there the thread that forked has another number.
    var isCurrent: Bool {
        @inline(__always) get { cposix_thread_id() == owner.load(ordering: .relaxed) }
    }

    /// Whether the thread that ran the loop is gone. What it did happened before.
    var hasEnded: Bool { isBound && end?.hasCome == true }

    /// In a child of the process that made the loop: whether this thread forked, so that it has left the loop whole.
    var hasForked: Bool {
        process.isParent && owner.load(ordering: .relaxed) == cposix_forking_thread_id()
    }

    /// The calling thread is the loop's from here on.
    func bind() {
        adopt()
        end = ThreadLife.current.end
        bound.store(true, ordering: .releasing)
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
        guard isBound, process.isCurrent else { return }
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

    /// What is left of it for those who want to know about the thread.
    let end = ThreadEnd()

    deinit {
        end.come()
    }

    /// The calling thread's. Nobody else keeps it.
    static var current: ThreadLife {
        if let life = lives.value as? ThreadLife { return life }
        let life = ThreadLife()
        lives.value = life
        return life
    }
}

/// Whether a thread has ended.
final class ThreadEnd: Sendable {
    private let isOver = Atomic<Bool>(false)

    var hasCome: Bool { isOver.load(ordering: .acquiring) }

    func come() {
        isOver.store(true, ordering: .releasing)
    }
}
