import Foundation

/// SIGINT and SIGTERM, taken by a thread that waits for them instead of by a handler that may do next to nothing.
struct TerminationSignals: Sendable {
    /// Keeps the signals from ending the process. Before any other thread starts: threads inherit what is blocked.
    init() {
        var set = Self.set
        let problem = pthread_sigmask(SIG_BLOCK, &set, nil)
        precondition(problem == 0, "the signals cannot be blocked: \(String(cString: strerror(problem)))")
    }

    /// Calls `body` on another thread when the first of the signals comes; any more change nothing.
    func whenFirstComes(_ body: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            var set = Self.set
            var number: Int32 = 0
            let problem = sigwait(&set, &number)
            precondition(problem == 0, "sigwait: \(String(cString: strerror(problem)))")
            body()
        }
    }

    private static var set: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        return set
    }
}
