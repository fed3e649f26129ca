import Proactor

/// How many tests run a loop at a time. Swift Testing starts all of them at once; each would then take as long as the whole run,
/// and a limit on its time would be one on the machine's load.
package final class TestTurns: Sendable {
    package static let shared = TestTurns(count: 16)

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Not a `Mutex`, which the thread sanitizer does not see.
    private let state: ThreadLock<State>

    package init(count: Int) {
        state = ThreadLock(State(free: count))
    }

    /// Runs `body` when it is its turn. A body must not wait for another turn.
    package func run<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        await begin()
        defer { end() }
        return try await body()
    }

    private func begin() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func end() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
