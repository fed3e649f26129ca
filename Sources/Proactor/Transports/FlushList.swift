/// Transports that have something to submit at the end of the turn, in the order in which they asked.
///
/// Not retained: the loop's registry holds every transport that is not closed, and a closed one is never in here.
struct FlushList: ~Copyable {
    private var entries: UnsafeMutablePointer<Unmanaged<LoopTransport>>
    private var capacity = 64
    private var first = 0
    private var end = 0

    init() {
        entries = .allocate(capacity: capacity)
    }

    deinit {
        entries.deallocate()
    }

    var isEmpty: Bool { first == end }
    var count: Int { end - first }

    mutating func append(_ transport: LoopTransport) {
        if end == capacity { makeRoom() }
        (entries + end).initialize(to: Unmanaged.passUnretained(transport))
        end += 1
    }

    /// The list must not be empty.
    mutating func takeFirst() -> Unmanaged<LoopTransport> {
        precondition(first < end, "an empty flush list was taken from")
        let transport = entries[first]
        first += 1
        if first == end {
            first = 0
            end = 0
        }
        return transport
    }

    /// Moves the entries down when at least half of the room is before them, else into twice the room.
    private mutating func makeRoom() {
        let count = end - first
        if first >= capacity / 2 {
            entries.update(from: entries + first, count: count)
        } else {
            capacity *= 2
            let larger = UnsafeMutablePointer<Unmanaged<LoopTransport>>.allocate(capacity: capacity)
            larger.moveInitialize(from: entries + first, count: count)
            entries.deallocate()
            entries = larger
        }
        first = 0
        end = count
    }
}
