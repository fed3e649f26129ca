import Glibc

/// What happens to this process when a signal comes.
enum SignalDisposition {
    case `default`
    case ignored
    case handled
}

func signalDisposition(_ signal: Int32) -> SignalDisposition {
    var action = sigaction()
    sigaction(signal, nil, &action)
    // Zero and one are SIG_DFL and SIG_IGN, which are macros.
    switch unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) {
    case 0: return .default
    case 1: return .ignored
    default: return .handled
    }
}

/// Threads of Dispatch, and those that they start, block most signals.
func unblockSignal(_ signal: Int32) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, signal)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
}
