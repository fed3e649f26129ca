/// The timers that are due soon or already, by deadline and, for equal ones, in the order they came: a 4-ary heap.
///
/// Deadlines lie in the heap, beside the slots, so that sifting seldom looks elsewhere.
struct NearTimerHeap {
    private struct Entry {
        var when: Int64
        var slot: Int32
    }

    private var entries: UnsafeMutablePointer<Entry>
    private var capacity = 64
    private(set) var count = 0

    init() {
        entries = .allocate(capacity: capacity)
    }

    /// Frees the memory. Nothing of it may be touched any more.
    func deallocate() {
        entries.deallocate()
    }

    var earliest: Int64? { count > 0 ? entries[0].when : nil }

    mutating func insert(_ slot: Int32, _ table: TimerTable) {
        if count == capacity { grow() }
        count += 1
        siftUp(Entry(when: table.keys[Int(slot)].when, slot: slot), from: count - 1, table)
    }

    /// Takes the earliest timer out if it is due at `now`.
    mutating func popDue(at now: Int64, _ table: TimerTable) -> Int32? {
        guard count > 0, entries[0].when <= now else { return nil }
        let slot = entries[0].slot
        remove(at: 0, table)
        return slot
    }

    mutating func remove(at index: Int, _ table: TimerTable) {
        precondition(index < count, "a timer has a place that the heap does not have")
        count -= 1
        guard index != count else { return }
        let last = entries[count]
        if index > 0, isBefore(last, entries[(index - 1) >> 2], table) {
            siftUp(last, from: index, table)
        } else {
            siftDown(last, from: index, table)
        }
    }

    @inline(__always)
    private func isBefore(_ left: Entry, _ right: Entry, _ table: TimerTable) -> Bool {
        left.when != right.when ? left.when < right.when : table.cameBefore(left.slot, right.slot)
    }

    @inline(__always)
    private func put(_ entry: Entry, at index: Int, _ table: TimerTable) {
        entries[index] = entry
        table.keys[Int(entry.slot)].setInHeap(index: index)
    }

    private func siftUp(_ entry: Entry, from start: Int, _ table: TimerTable) {
        var index = start
        while index > 0 {
            let parent = (index - 1) >> 2
            guard isBefore(entry, entries[parent], table) else { break }
            put(entries[parent], at: index, table)
            index = parent
        }
        put(entry, at: index, table)
    }

    private func siftDown(_ entry: Entry, from start: Int, _ table: TimerTable) {
        var index = start
        while true {
            let firstChild = index << 2 + 1
            guard firstChild < count else { break }
            var least = firstChild
            var child = firstChild + 1
            let end = min(firstChild + 4, count)
            while child < end {
                if isBefore(entries[child], entries[least], table) { least = child }
                child += 1
            }
            guard isBefore(entries[least], entry, table) else { break }
            put(entries[least], at: index, table)
            index = least
        }
        put(entry, at: index, table)
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = larger
        capacity *= 2
    }
}
