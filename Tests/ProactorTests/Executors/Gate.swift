@testable import Proactor

/// Blocks threads until it is opened, and counts those that came.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting = 0
        var waitingMost = 0
        var arrived = 0
    }

    private let state = ConditionLock(State())

    /// How many have come so far.
    var arrived: Int { state.withLock { $0.arrived } }
    /// How many were held at the same time, at the most.
    var waitingMost: Int { state.withLock { $0.waitingMost } }

    /// Waits until it is open.
    func pass() {
        state.withLock { state in
            state.arrived += 1
            state.waiting += 1
            state.waitingMost = max(state.waitingMost, state.waiting)
        }
        state.wakeAll()
        _ = state.waitFor(timeout: TestLimit.wait) { $0.isOpen ? true : nil }
        state.withLock { $0.waiting -= 1 }
    }

    func open() {
        state.withLock { $0.isOpen = true }
        state.wakeAll()
    }

    /// Waits until so many have come; returns whether they did.
    func waitFor(arrivals: Int) -> Bool {
        state.waitFor(timeout: TestLimit.wait) { $0.arrived >= arrivals ? true : nil } ?? false
    }
}

/// What several threads write down.
final class Record<Entry: Sendable>: Sendable {
    private let list = ThreadLock<[Entry]>([])

    var entries: [Entry] { list.withLock { $0 } }

    func append(_ entry: Entry) {
        list.withLock { $0.append(entry) }
    }
}
