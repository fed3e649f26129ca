/// A stretch of the ready queue. Handles point into it, so one allocation serves ``capacity`` callbacks, and a handle can
/// still tell that it was cancelled when its callback is long gone.
final class ReadyBlock {
    static let capacity = 128

    /// Whose handles these are.
    let thread: LoopThread
    /// Room for `capacity` entries; those in `first..<end` are initialised.
    private let entries: UnsafeMutablePointer<ReadyEntry>
    // Exclusivity: a block belongs to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private(set) var first = 0
    @exclusivity(unchecked) private(set) var end = 0
    @exclusivity(unchecked) private var cancelledLow: UInt64 = 0
    @exclusivity(unchecked) private var cancelledHigh: UInt64 = 0
    /// The block behind it in the queue, which holds a reference for it.
    @exclusivity(unchecked) var next: Unmanaged<ReadyBlock>?

    init(thread: LoopThread) {
        self.thread = thread
        entries = .allocate(capacity: Self.capacity)
    }

    deinit {
        (entries + first).deinitialize(count: end - first)
        entries.deallocate()
    }

    var isFull: Bool { end == Self.capacity }
    var isDrained: Bool { first == end }

    /// Adds an entry to a block that is not full and returns its index.
    @inline(__always)
    func append(_ entry: ReadyEntry) -> Int {
        precondition(end < Self.capacity, "a full block of the ready queue was added to")
        (entries + end).initialize(to: entry)
        end += 1
        return end - 1
    }

    @inline(__always)
    func takeFirst() -> ReadyEntry {
        precondition(first < end, "a drained block of the ready queue was taken from")
        first += 1
        return (entries + (first - 1)).move()
    }

    /// Whether the oldest entry, which there must be, is a step of a task.
    var beginsWithJob: Bool {
        precondition(first < end, "a drained block of the ready queue was looked into")
        if case .job = entries[first] { return true }
        return false
    }

    /// Makes a drained block as good as new. Only for a block that no handle points to.
    func reset() {
        precondition(isDrained, "a block of the ready queue was used again with entries in it")
        first = 0
        end = 0
        cancelledLow = 0
        cancelledHigh = 0
        next = nil
    }

    func isCancelled(_ index: Int) -> Bool {
        (index < 64 ? cancelledLow >> UInt64(index) : cancelledHigh >> UInt64(index - 64)) & 1 == 1
    }

    /// Remembers the cancel, and lets go of what a callback holds if it has not run.
    func cancel(_ index: Int) {
        if index < 64 { cancelledLow |= 1 << UInt64(index) } else { cancelledHigh |= 1 << UInt64(index - 64) }
        guard index >= first else { return }
        switch entries[index] {
        case .callback: entries[index] = .empty
        case .contextCallback(let job): entries[index] = .contextEnd(job)
        case .empty, .contextEnd, .wake, .job: break
        }
    }
}
