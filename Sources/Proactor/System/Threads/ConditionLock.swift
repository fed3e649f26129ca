import CPosix
import Glibc
import Synchronization

/// State behind a lock, and a condition on which threads wait for it to change.
package final class ConditionLock<State>: @unchecked Sendable {
    // The state is touched with the lock held only. Both system objects have an address of their own, as they
    // must.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State
    /// What becomes of the state in a fork's child.
    private let childState: (@Sendable (inout State) -> State)?
    /// Which fork the system objects and the state are of.
    private let fork = Atomic<UInt32>(cposix_current_fork())

    /// - Parameter childState: what a fork's child begins with, where the threads do not exist that hold the lock or wait. It is
    ///   handed the state as the fork found it, which may be in the middle of a change: only what is one word can be read.
    ///   Without it, a child must not use the lock.
    package init(_ state: sending State, childState: (@Sendable (inout State) -> State)? = nil) {
        self.state = state
        self.childState = childState
        initializeSystemObjects()
    }

    private func initializeSystemObjects() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // Waits must not depend on somebody setting the clock.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let failure = pthread_mutex_init(mutex, nil) | pthread_cond_init(condition, &attributes)
        precondition(failure == 0, "a lock could not be made")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        // In a fork's child they may be held, or waited on, by nobody: to destroy them would wait for that.
        if fork.load(ordering: .relaxed) == cposix_current_fork() {
            pthread_cond_destroy(condition)
            pthread_mutex_destroy(mutex)
        }
        condition.deallocate()
        mutex.deallocate()
    }

    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    private func lock() {
        if fork.load(ordering: .acquiring) != cposix_current_fork() { beginInChild() }
        let failure = pthread_mutex_lock(mutex)
        precondition(failure == 0, "a lock is broken")
    }

    /// Calls `body` with the state again and again, waiting for a change in between, until it returns
    /// something. Returns `nil` when that took longer than `timeout`; a change of the last moment may then
    /// still be found.
    package func waitFor<Result>(timeout: Duration, _ body: (inout State) -> Result?) -> Result? {
        lock()
        defer { pthread_mutex_unlock(mutex) }
        var deadline = timespec(
            LoopInstant(nanoseconds: cposix_monotonic_nanoseconds()).advanced(by: timeout)
        )
        while true {
            if let result = body(&state) { return result }
            // Anything but zero has not waited: to go on would hold the lock for ever.
            guard pthread_cond_timedwait(condition, mutex, &deadline) == 0 else { return nil }
        }
    }

    func wakeOne() {
        pthread_cond_signal(condition)
    }

    package func wakeAll() {
        pthread_cond_broadcast(condition)
    }

    // MARK: - Forks

    /// The first use in a fork's child.
    @inline(never)
    private func beginInChild() {
        firstUsesInChildren.withLock { _ in
            guard fork.load(ordering: .relaxed) != cposix_current_fork(), let childState else { return }
            initializeSystemObjects()
            withUnsafeMutablePointer(to: &state) { state in
                let fresh = childState(&state.pointee)
                // Not assigned: what was there may be half changed, and is left as it is.
                state.initialize(to: fresh)
            }
            fork.store(cposix_current_fork(), ordering: .releasing)
        }
    }
}

/// Two threads of a child may come first.
private let firstUsesInChildren = ThreadLock((), isKeptAcrossForks: true)

extension timespec {
    /// An instant before the clock began is as over as its beginning, and the system takes none.
    fileprivate init(_ instant: LoopInstant) {
        let (seconds, nanoseconds) = max(instant.nanoseconds, 0).quotientAndRemainder(
            dividingBy: 1_000_000_000
        )
        self.init(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    }
}
