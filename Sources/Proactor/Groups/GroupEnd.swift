/// Lets a task wait until the threads of a group have ended, or until it gives up.
final class GroupEnd: Sendable {
    private struct State {
        var threadsLeft: Int
        var hasGivenUp = false
        var waiter: UnsafeContinuation<Void, Never>?

        var isOver: Bool { threadsLeft == 0 || hasGivenUp }
    }

    private let state: ThreadLock<State>

    init(of threads: [GroupThread]) {
        state = ThreadLock(State(threadsLeft: threads.count))
        for thread in threads {
            thread.whenEnded { self.change { $0.threadsLeft -= 1 } }
        }
    }

    /// Returns whether the threads have ended.
    nonisolated(nonsending) func wait() async -> Bool {
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiter = continuation }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
        return state.withLock { $0.threadsLeft == 0 }
    }

    func giveUp() {
        change { $0.hasGivenUp = true }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiter: UnsafeContinuation<Void, Never>? = state.withLock { state in
            body(&state)
            return state.isOver ? state.waiter.take() : nil
        }
        waiter?.resume()
    }
}
