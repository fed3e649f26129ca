/// The timers of a loop: what is due soon in a heap, what is not in a wheel.
///
/// A cancelled timer leaves at once, so that a service which sets and cancels a time-out per request keeps few. Deadlines
/// hold to the nanosecond: the wheel only sorts coarsely what the heap then gives out in order.
final class TimerStore {
    // Exclusivity: the timers belong to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private var table = TimerTable()
    @exclusivity(unchecked) private var heap = NearTimerHeap()
    @exclusivity(unchecked) private var wheel = TimerWheel()
    /// Those that this turn found due and that it has not come to yet, in their order. A cancelled one keeps its slot.
    @exclusivity(unchecked) private var due: [Int32] = []
    /// How many wait for their deadline.
    @exclusivity(unchecked) private(set) var count = 0
    /// Where a cancelled callback's job goes to end.
    private let discard: (UnownedJob) -> Void
    /// Whose timers these are.
    let thread: LoopThread

    init(thread: LoopThread, discard: @escaping (UnownedJob) -> Void) {
        self.thread = thread
        self.discard = discard
    }

    deinit {
        heap.deallocate()
        wheel.deallocate()
        table.deallocate()
    }

    /// A time in nanoseconds that no deadline is before, or `nil` without timers. Nearly always it is the earliest
    /// deadline; where finding that would take long, it is less, and another look then tells more.
    var earliest: Int64? { heap.earliest ?? wheel.earliest(table) }

    /// Adds a timer and returns its slot.
    @inline(__always)
    func insert(_ entry: consuming ReadyEntry, when: Int64, sequence: UInt64) -> Int32 {
        let slot = table.add(entry, when: when, sequence: sequence)
        count += 1
        if !wheel.insert(slot, table) { heap.insert(slot, table) }
        return slot
    }

    /// Keeps a timer from running and lets go of what it holds, if it has neither run nor been cancelled.
    @inline(__always)
    func cancel(_ slot: Int32, _ sequence: UInt64) {
        guard table.holds(slot, sequence) else { return }
        let entry: ReadyEntry
        switch table.keys[Int(slot)].place {
        case .wheel:
            wheel.remove(slot, table)
            count -= 1
            entry = table.take(slot)
        case .heap(let index):
            heap.remove(at: index, table)
            count -= 1
            entry = table.take(slot)
        case .due:
            entry = table.records[Int(slot)].takeEntry()
        }
        // The job's task ends only by running.
        if case .contextCallback(let job) = entry { discard(job) }
    }

    /// Finds what is due at `now`, for ``takeDue(_:)``.
    func collectDue(at now: Int64) {
        precondition(due.isEmpty, "timers that were due before have not all been taken")
        var isComplete = false
        while !isComplete {
            while let slot = heap.popDue(at: now, table) {
                table.setDue(slot)
                due.append(slot)
            }
            isComplete = heap.count > 0 || !wheel.advance(to: now, movingInto: &heap, table)
        }
        count -= due.count
    }

    var dueCount: Int { due.count }

    /// The earliest deadline of those that are due; there is one at least.
    var firstDue: Int64 { table.keys[Int(due[0])].when }

    /// The callback of one of those that are due: `.empty` when it was cancelled meanwhile.
    @inline(__always)
    func takeDue(_ index: Int) -> ReadyEntry { table.take(due[index]) }

    /// All that are due have been taken.
    func forgetDue() {
        due.removeAll(keepingCapacity: due.count <= 4096)
    }

    /// Drops all timers.
    func removeAll() {
        while let time = earliest {
            collectDue(at: time)
            for index in 0..<due.count {
                if case .contextCallback(let job) = takeDue(index) { discard(job) }
            }
            forgetDue()
        }
    }
}
