/// The timers that are not due soon, in buckets: the farther away, the wider the bucket. Adding one and taking one out
/// cost the same however many there are.
///
/// Time is counted in ticks of 1024 ns, and a tick is written with digits of 6 bits. A timer lies on the level of the
/// highest digit in which its tick differs from the wheel's, in the bucket of that digit. So a bucket of level 0 is one
/// tick wide, one of level 1 64 ticks, and all of a level comes before all of the next. When the wheel's tick reaches a
/// bucket of a higher level, its timers are spread over the levels below.
struct TimerWheel {
    private static let tickBits: Int64 = 10
    private static let digitBits: Int64 = 6
    private static let bucketsPerLevel = 64
    /// Enough for all of Int64.
    private static let levelCount = 9
    /// A bucket of level 1 with more timers is worth spreading over level 0 before its timers are sorted.
    private static let sortedAtOnce = 64
    /// How many deadlines a look for the earliest compares at most.
    private static let comparedAtMost = 8

    /// Each bucket's first slot.
    private let heads: UnsafeMutablePointer<Int32>
    /// For each level one bit a bucket: whether there is a timer in it.
    private let occupied: UnsafeMutablePointer<UInt64>
    /// One bit a level: whether there is a timer on it.
    private var occupiedLevels: UInt32 = 0
    /// Timers up to this tick's end are not the wheel's. It never goes back.
    private var tick: Int64 = 0

    init() {
        let bucketCount = Self.levelCount * Self.bucketsPerLevel
        heads = .allocate(capacity: bucketCount)
        heads.initialize(repeating: TimerTable.none, count: bucketCount)
        occupied = .allocate(capacity: Self.levelCount)
        occupied.initialize(repeating: 0, count: Self.levelCount)
    }

    /// Frees the memory. Nothing of it may be touched any more.
    func deallocate() {
        heads.deallocate()
        occupied.deallocate()
    }

    /// Takes the timer in, unless it is due too soon for a wheel.
    @inline(__always)
    mutating func insert(_ slot: Int32, _ table: TimerTable) -> Bool {
        let key = table.keys + Int(slot)
        let itsTick = key.pointee.when >> Self.tickBits
        guard itsTick > tick else { return false }
        let bucket = bucket(of: itsTick)
        let head = heads[bucket]
        key.pointee.previous = TimerTable.none
        key.pointee.next = head
        heads[bucket] = slot
        if head != TimerTable.none {
            table.keys[Int(head)].previous = slot
        } else {
            markOccupied(bucket)
        }
        return true
    }

    @inline(__always)
    mutating func remove(_ slot: Int32, _ table: TimerTable) {
        let key = table.keys + Int(slot)
        let next = key.pointee.next
        let previous = key.pointee.previous
        if next != TimerTable.none { table.keys[Int(next)].previous = previous }
        if previous != TimerTable.none {
            table.keys[Int(previous)].next = next
        } else {
            let bucket = bucket(of: key.pointee.when >> Self.tickBits)
            precondition(heads[bucket] == slot, "a timer has a place that the wheel does not have")
            heads[bucket] = next
            if next == TimerTable.none { markEmpty(bucket) }
        }
    }

    /// A time in nanoseconds that no deadline is before: the earliest one itself where few come into question.
    func earliest(_ table: TimerTable) -> Int64? {
        guard let bucket = firstBucket else { return nil }
        var earliest = Int64.max
        var slot = heads[bucket]
        for _ in 0..<Self.comparedAtMost {
            earliest = min(earliest, table.keys[Int(slot)].when)
            slot = table.keys[Int(slot)].next
            if slot == TimerTable.none { return earliest }
        }
        return startTick(of: bucket) << Self.tickBits
    }

    /// Moves the wheel to `now`. It stops early when it has put timers into `heap`, and wants to be called again when
    /// those that are due have been taken out. Returns whether it stopped early.
    mutating func advance(to now: Int64, movingInto heap: inout NearTimerHeap, _ table: TimerTable) -> Bool {
        let nowTick = now >> Self.tickBits
        while let bucket = firstBucket {
            let start = startTick(of: bucket)
            guard start <= nowTick else { break }
            let level = bucket / Self.bucketsPerLevel
            let first = heads[bucket]
            heads[bucket] = TimerTable.none
            markEmpty(bucket)
            guard level == 0 || level == 1 && !hasMany(first, table) else {
                tick = start
                spread(first, &heap, table)
                if heap.count > 0 { return true }
                continue
            }
            // All of the bucket is the heap's now.
            tick = start + (level == 0 ? 0 : Int64(Self.bucketsPerLevel - 1))
            forEach(from: first, table) { heap.insert($0, table) }
            return true
        }
        tick = max(tick, nowTick)
        return false
    }

    // MARK: - Buckets

    private mutating func spread(_ first: Int32, _ heap: inout NearTimerHeap, _ table: TimerTable) {
        var slot = first
        while slot != TimerTable.none {
            let next = table.keys[Int(slot)].next
            if !insert(slot, table) { heap.insert(slot, table) }
            slot = next
        }
    }

    private func forEach(from first: Int32, _ table: TimerTable, _ body: (Int32) -> Void) {
        var slot = first
        while slot != TimerTable.none {
            let next = table.keys[Int(slot)].next
            body(slot)
            slot = next
        }
    }

    private func hasMany(_ first: Int32, _ table: TimerTable) -> Bool {
        var slot = first
        for _ in 0..<Self.sortedAtOnce {
            slot = table.keys[Int(slot)].next
            if slot == TimerTable.none { return false }
        }
        return true
    }

    /// The bucket that comes first of those that are not empty.
    private var firstBucket: Int? {
        guard occupiedLevels != 0 else { return nil }
        let level = occupiedLevels.trailingZeroBitCount
        return level * Self.bucketsPerLevel + occupied[level].trailingZeroBitCount
    }

    /// The same as long as the timer is in the wheel: its tick moves within digits that do not tell, or the bucket is
    /// emptied.
    @inline(__always)
    private func bucket(of itsTick: Int64) -> Int {
        let level = (63 - (itsTick ^ tick).leadingZeroBitCount) / Int(Self.digitBits)
        let digit = Int(itsTick >> (Int64(level) &* Self.digitBits)) & (Self.bucketsPerLevel - 1)
        return level &* Self.bucketsPerLevel &+ digit
    }

    private func startTick(of bucket: Int) -> Int64 {
        let shift = Int64(bucket / Self.bucketsPerLevel) * Self.digitBits
        let digit = Int64(bucket % Self.bucketsPerLevel)
        // The higher digits are the wheel's own, the lower ones zero. Shifts that are too wide give zero.
        return ((tick >> (shift + Self.digitBits)) << (shift + Self.digitBits)) | (digit << shift)
    }

    @inline(__always)
    private mutating func markOccupied(_ bucket: Int) {
        let level = bucket / Self.bucketsPerLevel
        occupied[level] |= 1 << UInt64(bucket % Self.bucketsPerLevel)
        occupiedLevels |= 1 << UInt32(level)
    }

    private mutating func markEmpty(_ bucket: Int) {
        let level = bucket / Self.bucketsPerLevel
        occupied[level] &= ~(1 << UInt64(bucket % Self.bucketsPerLevel))
        if occupied[level] == 0 { occupiedLevels &= ~(1 << UInt32(level)) }
    }
}
