import CPosix
import Synchronization

/// Work that other threads hand to a loop.
///
/// Posting costs a lock and, only when the loop sleeps, a wake-up. The loop takes the whole batch at once, so the lock is
/// held for moments. It does so in each turn, and before it schedules anything by itself (``ReadyQueue``): so calls run in the
/// order in which they were registered, whichever way they came.
final class ThreadSafeInbox: Sendable {
    private struct State: Sendable {
        var entries: [ReadyEntry] = []
        var isClosed = false
    }

    private let state = ThreadLock(State())
    /// Whether there is work: the loop looks at it each turn, and whenever it schedules something, and takes the lock only
    /// then.
    private let hasEntries = Atomic<Bool>(false)
    /// Whether the loop is in, or on its way into, a wait that somebody has to end.
    private let isAsleep = Atomic<Bool>(false)
    /// Threads that are within `waker.wake()`: the ring may not be closed under them.
    private let wakersAtWork = Atomic<Int>(0)
    private let waker: any LoopWaker
    /// A child of it takes nothing: the loop to be woken is the parent's, and the lock may be held by nobody.
    private let process = ProcessOfOrigin()

    init(waker: any LoopWaker) {
        self.waker = waker
    }

    /// Adds work and wakes the loop. Returns false when the loop is closed, or a parent's; the work is dropped.
    @inline(__always)
    func post(_ entry: ReadyEntry) -> Bool {
        post(by: { entry })
    }

    /// As ``post(_:)``, of what `makeEntry` makes: only when the loop is not closed. It must not call the inbox.
    @inline(__always)
    func post(by makeEntry: () -> ReadyEntry) -> Bool {
        guard process.isCurrent else { return false }
        let accepted = state.withLock { state in
            guard !state.isClosed else { return false }
            // The first of a batch says so for all.
            let isFirst = state.entries.isEmpty
            state.entries.append(makeEntry())
            if isFirst { hasEntries.store(true, ordering: .sequentiallyConsistent) }
            wakersAtWork.add(1, ordering: .relaxed)
            return true
        }
        guard accepted else { return false }
        if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { waker.wake() }
        wakersAtWork.subtract(1, ordering: .releasing)
        return true
    }

    /// Whether there is work. Relaxed: what the loop's thread knows to have been posted, it sees.
    @inline(__always)
    var isEmpty: Bool { !hasEntries.load(ordering: .relaxed) }

    /// How much work there is.
    var count: Int { state.withLock { $0.entries.count } }

    /// Whether the loop is in a wait, or on its way there.
    var isLoopAsleep: Bool { isAsleep.load(ordering: .relaxed) }

    /// Called before the loop waits. Returns false when there is work, and then the loop must not wait.
    func prepareToSleep() -> Bool {
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        // Either this load sees the entry, or whoever posted it sees the store above and wakes the loop.
        if !hasEntries.load(ordering: .sequentiallyConsistent) { return true }
        isAsleep.store(false, ordering: .relaxed)
        return false
    }

    /// Called after the wait: nobody has to end it any more.
    func wokeUp() {
        isAsleep.store(false, ordering: .relaxed)
    }

    /// Calls `body` with the work, in the order it came. The loop's thread only; `body` calls nobody.
    ///
    /// - Parameter batch: an empty array whose room is used, and kept for the next time.
    func take(using batch: inout [ReadyEntry], _ body: (ReadyEntry) -> Void) {
        guard process.isCurrent else { return }
        state.withLock { state in
            swap(&batch, &state.entries)
            hasEntries.store(false, ordering: .relaxed)
        }
        for entry in batch { body(entry) }
        batch.removeAll(keepingCapacity: batch.count <= 4096)
    }

    /// Takes nothing more, hands the jobs of context callbacks to `end` and drops the rest, and returns when no thread is
    /// within a wake-up.
    func close(_ end: (UnownedJob) -> Void) {
        let dropped = state.withLock { state in
            state.isClosed = true
            let entries = state.entries
            state.entries = []
            hasEntries.store(false, ordering: .relaxed)
            return entries
        }
        // What the callbacks hold is let go here, outside the lock: it may run code of the user's.
        for case .contextCallback(let job) in dropped { end(job) }
        while wakersAtWork.load(ordering: .acquiring) > 0 { cposix_yield() }
    }
}
