/// What calls on other threads came to, for the loop to fetch.
final class ThreadCallResults: Sendable {
    private struct State {
        var results: [CompletedOperation] = []
        var isClosed = false
    }

    private let state = ConditionLock(State())
    private let waker: any LoopWaker

    init(waker: any LoopWaker) {
        self.waker = waker
    }

    /// Adds a result and wakes the loop. False when nobody will fetch it any more. Any thread.
    func post(_ result: CompletedOperation) -> Bool {
        let isAccepted = state.withLock { state in
            guard !state.isClosed else { return false }
            state.results.append(result)
            // Within the lock, so that the waker is not closed meanwhile. The first of a batch wakes for all.
            if state.results.count == 1 { waker.wake() }
            return true
        }
        if isAccepted { state.wakeAll() }
        return isAccepted
    }

    /// Takes what has come.
    func take() -> [CompletedOperation] {
        state.withLock { state in
            defer { state.results = [] }
            return state.results
        }
    }

    /// Waits until so many results are there, then takes nothing more, and returns what came.
    func close(waitingFor count: Int, timeout: Duration) -> [CompletedOperation] {
        if count > 0 {
            _ = state.waitFor(timeout: timeout) { $0.results.count >= count ? true : nil }
        }
        return state.withLock { state in
            state.isClosed = true
            defer { state.results = [] }
            return state.results
        }
    }
}

/// An operation that is over while its owner does not know it yet.
struct CompletedOperation: BitwiseCopyable {
    var token: OperationToken
    /// Zero or more, else minus errno.
    var result: Int32
}
