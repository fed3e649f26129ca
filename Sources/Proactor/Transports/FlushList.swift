/// Transports that have something to submit at the end of the turn, in the order in which they asked.
///
/// Not retained: the loop's registry holds every transport that is not closed, and a closed one is never in here.
struct FlushList: ~Copyable {
    private var entries: UnsafeMutablePointer<Unmanaged<StreamSocketTransport>>
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

    mutating func append(_ transport: StreamSocketTransport) {
        if end == capacity { grow() }
        (entries + end).initialize(to: Unmanaged.passUnretained(transport))
        end += 1
    }

    /// The list must not be empty.
    mutating func takeFirst() -> Unmanaged<StreamSocketTransport> {
        precondition(first < end, "an empty flush list was taken from")
        let transport = entries[first]
        first += 1
        if first == end {
            first = 0
            end = 0
        }
        return transport
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Unmanaged<StreamSocketTransport>>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: entries, count: end)
        entries.deallocate()
        entries = larger
        capacity *= 2
    }
}
