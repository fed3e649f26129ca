import CPosix
import Glibc

/// State that several threads share, behind a POSIX mutex: `Synchronization.Mutex` does the same, but the
/// thread sanitizer cannot see that it orders anything, and reports every use as a race.
package final class ThreadLock<State>: @unchecked Sendable {
    // The state is touched by the thread that holds the mutex only. A mutex may not move, so it has memory of
    // its own.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @exclusivity(unchecked) private var state: State

    /// - Parameter isKeptAcrossForks: for a lock that lives as long as the process: every fork holds it, so that a child finds it
    ///   free and the state whole.
    package init(_ state: State, isKeptAcrossForks: Bool = false) {
        mutex = .allocate(capacity: 1)
        let failure = pthread_mutex_init(mutex, nil)
        precondition(failure == 0, "no memory for a mutex (pthread_mutex_init: \(failure))")
        self.state = state
        guard isKeptAcrossForks else { return }
        let isKept = cposix_keep_lock_across_forks(mutex)
        precondition(isKept, "more locks are kept across forks than there is room for")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Calls `body` with the state while no other thread has it. It must not call back into the lock.
    @inline(__always)
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }
}
