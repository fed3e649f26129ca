import Glibc

/// SIGINT and SIGTERM, waited for instead of handled.
struct TerminationSignals {
    private var set = sigset_t()

    /// Keeps the signals from ending the process. Before any other thread starts: threads inherit what is blocked.
    init() {
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        let problem = pthread_sigmask(SIG_BLOCK, &set, nil)
        precondition(problem == 0, "the signals cannot be blocked: \(String(cString: strerror(problem)))")
    }

    /// Returns when one of them comes.
    func wait() {
        var set = set
        var number: Int32 = 0
        let problem = sigwait(&set, &number)
        precondition(problem == 0, "sigwait: \(String(cString: strerror(problem)))")
    }
}

/// Writes what was printed.
func flushStandardOutput() {
    fflush(nil)
}
