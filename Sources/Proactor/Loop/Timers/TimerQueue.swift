/// The timers of a loop, and the handles to cancel them.
final class TimerQueue {
    let store: TimerStore
    // Exclusivity: the timers belong to the loop's thread, and no method calls out while it changes these.
    /// Those of the handle that comes next.
    @exclusivity(unchecked) private var marks: TimerMarks
    @exclusivity(unchecked) private var nextSequence: UInt64 = 0

    /// - Parameter discard: Where a cancelled callback's job goes to end.
    init(thread: LoopThread, discard: @escaping (UnownedJob) -> Void) {
        store = TimerStore(thread: thread, discard: discard)
        marks = TimerMarks(store: store)
    }

    /// How many timers wait for their deadline.
    var count: Int { store.count }

    @inline(__always)
    func insert(_ entry: consuming ReadyEntry, at when: LoopInstant) -> TimerHandle {
        let sequence = nextSequence
        nextSequence += 1
        let slot = store.insert(entry, when: when.nanoseconds, sequence: sequence)
        let handle = TimerHandle(when: when, sequence: sequence, slot: slot, marks: marks)
        if nextSequence % TimerMarks.capacity == 0 { marks = TimerMarks(store: store) }
        return handle
    }
}
