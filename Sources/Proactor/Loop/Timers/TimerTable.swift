import CPosix
import Glibc

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

/// The timers that have not run yet, each in a slot of its own, in raw memory.
///
/// Whoever orders them, wheel and heap, moves slots about and not the timers.
struct TimerTable {
    /// No slot.
    static let none: Int32 = -1
    /// The sequence of a slot that no timer has.
    private static let unused = UInt64.max

    private(set) var keys: UnsafeMutablePointer<TimerKey>
    private(set) var records: UnsafeMutablePointer<TimerRecord>
    private var capacity: Int32 = 64
    /// Slots below it have been used: their records are initialised.
    private var end: Int32 = 0
    /// The first of the slots to use again; they are linked by `next`.
    private var firstFree = TimerTable.none
    private var used = 0

    init() {
        keys = Self.allocate(capacity: Int(capacity))
        records = Self.allocate(capacity: Int(capacity))
    }

    /// Frees the memory. Nothing of it may be touched any more.
    func deallocate() {
        free(keys)
        records.deinitialize(count: Int(end))
        free(records)
    }

    @inline(__always)
    mutating func add(_ entry: consuming ReadyEntry, when: Int64, sequence: UInt64) -> Int32 {
        used += 1
        var slot = firstFree
        if slot != Self.none {
            firstFree = keys[Int(slot)].next
        } else {
            slot = addSlot()
        }
        keys[Int(slot)].when = when
        // What a free slot has needs no end: it is nothing.
        (records + Int(slot)).initialize(to: TimerRecord(entry: entry, sequence: sequence))
        return slot
    }

    /// Gives the slot back, and what was in it to the caller.
    @inline(__always)
    mutating func take(_ slot: Int32) -> ReadyEntry {
        let record = records + Int(slot)
        precondition(record.pointee.sequence != Self.unused, "a timer was taken out twice")
        record.pointee.sequence = Self.unused
        used -= 1
        if used > 0 {
            keys[Int(slot)].next = firstFree
            firstFree = slot
        } else {
            // From the start: slots that came back in any order would cost cache misses for ever.
            firstFree = Self.none
            end = 0
        }
        return record.pointee.takeEntry()
    }

    /// Whether the timer that got this slot and sequence has neither run nor been cancelled.
    @inline(__always)
    func holds(_ slot: Int32, _ sequence: UInt64) -> Bool {
        records[Int(slot)].sequence == sequence
    }

    /// Notes that the timer is among those that run now, and has its callback brought near for ``take(_:)``: timers fire in
    /// another order than they were set in.
    @inline(__always)
    func setDue(_ slot: Int32) {
        keys[Int(slot)].setDue()
        cposix_prefetch(records + Int(slot))
    }

    /// Whether `left` runs before `right` when both have the same deadline.
    @inline(__always)
    func cameBefore(_ left: Int32, _ right: Int32) -> Bool {
        records[Int(left)].sequence < records[Int(right)].sequence
    }

    @inline(never)
    private mutating func addSlot() -> Int32 {
        if end == capacity { grow() }
        (keys + Int(end)).initialize(to: TimerKey(when: 0, next: Self.none, previous: Self.none))
        (records + Int(end)).initialize(to: TimerRecord(entry: .empty, sequence: Self.unused))
        end += 1
        return end - 1
    }

    private mutating func grow() {
        precondition(capacity < Int32.max / 2, "more timers than slots have numbers")
        capacity *= 2
        keys = Self.reallocate(keys, capacity: Int(capacity))
        records = Self.reallocate(records, capacity: Int(capacity))
    }

    private static func allocate<Element>(capacity: Int) -> UnsafeMutablePointer<Element> {
        reallocate(nil, capacity: capacity)
    }

    /// Moves the elements, which may lie anywhere; where they are many the kernel moves their pages instead.
    private static func reallocate<Element>(
        _ old: UnsafeMutablePointer<Element>?,
        capacity: Int
    ) -> UnsafeMutablePointer<Element> {
        precondition(MemoryLayout<Element>.alignment <= 16, "malloc aligns to 16 bytes")
        guard let memory = realloc(old, capacity * MemoryLayout<Element>.stride) else {
            preconditionFailure("out of memory for timers")
        }
        return memory.assumingMemoryBound(to: Element.self)
    }
}
