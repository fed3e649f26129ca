/// When a timer is due and where it is listed: all that ordering timers reads, and small, because ordering many is a
/// matter of cache misses.
struct TimerKey {
    private static let inHeap: Int32 = -2
    private static let isDue: Int32 = -3

    /// The deadline in nanoseconds.
    var when: Int64
    /// The slot behind it in a bucket of the wheel or in the list of free slots, or one of the marks above.
    var next: Int32
    /// The slot before it in a bucket of the wheel, or its index in the heap.
    var previous: Int32

    enum Place {
        case wheel
        case heap(index: Int)
        /// Among those that this turn found due.
        case due
    }

    var place: Place {
        switch next {
        case Self.inHeap: .heap(index: Int(previous))
        case Self.isDue: .due
        default: .wheel
        }
    }

    @inline(__always)
    mutating func setInHeap(index: Int) {
        next = Self.inHeap
        previous = Int32(truncatingIfNeeded: index)
    }

    @inline(__always)
    mutating func setDue() { next = Self.isDue }
}
