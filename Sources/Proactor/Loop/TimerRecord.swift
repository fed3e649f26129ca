/// What a timer runs.
struct TimerRecord {
    var entry: ReadyEntry
    /// Counts the timers. It tells which of equal deadlines comes first, and this timer from others in the same slot.
    var sequence: UInt64

    @inline(__always)
    mutating func takeEntry() -> ReadyEntry {
        withUnsafeMutablePointer(to: &entry) {
            let taken = $0.move()
            $0.initialize(to: .empty)
            return taken
        }
    }
}
