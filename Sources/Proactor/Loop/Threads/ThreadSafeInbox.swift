import CPosix
import Synchronization

/// Work that other threads hand to a loop.
///
/// Posting costs a lock and, only when the loop sleeps, a wake-up. The loop takes the whole batch at once, so the lock is
/// held for moments.
final class ThreadSafeInbox: Sendable {
    private struct State: Sendable {
        var entries: [ReadyEntry] = []
        var isClosed = false
    }

    private let state = ThreadLock(State())
    /// Whether there is work: the loop looks at it each turn, and takes the lock only then.
    private let hasEntries = Atomic<Bool>(false)
    /// Whether the loop is in, or on its way into, a wait that somebody has to end.
    private let isAsleep = Atomic<Bool>(false)
    /// Threads that are within `waker.wake()`: the ring may not be closed under them.
    private let wakersAtWork = Atomic<Int>(0)
    private let waker: any LoopWaker

    init(waker: any LoopWaker) {
        self.waker = waker
    }

    /// Adds work and wakes the loop. Returns false when the loop is closed; the work is dropped.
    @inline(__always)
    func post(_ entry: ReadyEntry) -> Bool {
        post(by: { entry })
    }

    /// As ``post(_:)``, of what `makeEntry` makes: only when the loop is not closed. It must not call the inbox.
    @inline(__always)
    func post(by makeEntry: () -> ReadyEntry) -> Bool {
        let accepted = state.withLock { state in
            guard !state.isClosed else { return false }
            state.entries.append(makeEntry())
            hasEntries.store(true, ordering: .sequentiallyConsistent)
            wakersAtWork.add(1, ordering: .relaxed)
            return true
        }
        guard accepted else { return false }
        if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { waker.wake() }
        wakersAtWork.subtract(1, ordering: .releasing)
        return true
    }

    /// Called before the loop waits. Returns false when there is work, and then the loop must not wait.
    func prepareToSleep() -> Bool {
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        // Either this load sees the entry, or whoever posted it sees the store above and wakes the loop.
        if !hasEntries.load(ordering: .sequentiallyConsistent) { return true }
        isAsleep.store(false, ordering: .relaxed)
        return false
    }

    /// Called after the wait: moves the work over, in the order it came, and leaves `batch` empty for the next time.
    func drain(into ready: ReadyQueue, using batch: inout [ReadyEntry]) {
        isAsleep.store(false, ordering: .relaxed)
        guard hasEntries.load(ordering: .acquiring) else { return }
        var taken = batch
        batch = []
        state.withLock { state in
            swap(&taken, &state.entries)
            hasEntries.store(false, ordering: .relaxed)
        }
        for entry in taken { ready.push(entry) }
        taken.removeAll(keepingCapacity: taken.count <= 4096)
        batch = taken
    }

    /// Takes nothing more, hands the jobs of context callbacks to `end` and drops the rest, and returns when no thread is
    /// within a wake-up.
    func close(_ end: (UnownedJob) -> Void) {
        let dropped = state.withLock { state in
            state.isClosed = true
            let entries = state.entries
            state.entries = []
            return entries
        }
        // What the callbacks hold is let go here, outside the lock: it may run code of the user's.
        for case .contextCallback(let job) in dropped { end(job) }
        while wakersAtWork.load(ordering: .acquiring) > 0 { cposix_yield() }
    }
}
