/// Which of a stretch of timers were cancelled. Handles hold it, so one allocation serves ``capacity`` timers, and a
/// handle can still tell that it was cancelled when its timer is long gone.
final class TimerMarks {
    static let capacity: UInt64 = 128

    let store: TimerStore
    // Exclusivity: the marks belong to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private var low: UInt64 = 0
    @exclusivity(unchecked) private var high: UInt64 = 0

    init(store: TimerStore) {
        self.store = store
    }

    func isCancelled(_ sequence: UInt64) -> Bool {
        let index = sequence % Self.capacity
        return (index < 64 ? low >> index : high >> (index - 64)) & 1 == 1
    }

    @inline(__always)
    func markCancelled(_ sequence: UInt64) {
        let index = sequence % Self.capacity
        if index < 64 { low |= 1 << index } else { high |= 1 << (index - 64) }
    }
}
