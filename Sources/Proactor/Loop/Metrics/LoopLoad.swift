import Synchronization

/// How long a loop has been busy, that is, not in its wait: for other threads, and also while it is held up in a callback.
///
/// One number says it all: awake, how long the loop had slept by then, and how long it has been busy is what has passed beyond that;
/// asleep, how long it has been busy. Which of them it is, is the lowest bit.
final class LoopLoad: Sendable {
    private let state: Atomic<Int64>

    /// - Parameter now: in nanoseconds; the loop is awake.
    init(at now: Int64) {
        state = Atomic(now << 1 | 1)
    }

    /// In nanoseconds, since it is looked at.
    func busy(at now: Int64) -> Int64 {
        let state = state.load(ordering: .relaxed)
        return state & 1 == 1 ? now - state >> 1 : state >> 1
    }

    var isAsleep: Bool { state.load(ordering: .relaxed) & 1 == 0 }

    // The loop's thread only.

    func fallAsleep(at now: Int64) {
        if !isAsleep { state.store(busy(at: now) << 1, ordering: .relaxed) }
    }

    func wakeUp(at now: Int64) {
        if isAsleep { state.store((now - busy(at: now)) << 1 | 1, ordering: .relaxed) }
    }
}
