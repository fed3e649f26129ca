/// Memory for outgoing data, in a few sizes, kept for the next write instead of given back.
///
/// Idle connections hold none of it, and what it keeps is bounded.
///
/// It is a pointer, and copies of it are the same pool: so nothing is counted where a message takes and gives back memory. The
/// loop that made it deallocates it, and outlives whatever has a copy.
struct BufferPool: BitwiseCopyable {
    /// The largest size that is kept, in bytes.
    static let largest = 4 * record
    /// How many sizes there are: 128 and 512 bytes, 4, 16 and 64 KiB, the latter with room for what TLS makes of so much. A thousand
    /// connections may send a short answer in one turn, each in memory of its own.
    static let sizeCount = 5

    /// A record of TLS: 16 KiB and what it is sealed with. Buffers that lie a power of two apart would also fall on the same lines of
    /// the processor's caches, as long as only the first part of each is used.
    private static let record = 16_384 + 512

    /// The buffers of one size that nobody uses.
    private struct FreeList {
        /// The first bytes of a free buffer are the link to the next.
        var first: UnsafeMutableRawPointer?
        var count: Int
        var limit: Int
        /// How many there are, those in use too: kept up where one is made or given back to the system, and only there.
        var madeCount = 0
    }

    // Exclusivity: the lists belong to the loop's thread, and no method calls out. Raw memory spares the checks.
    private let lists: UnsafeMutablePointer<FreeList>

    init() {
        lists = .allocate(capacity: Self.sizeCount)
        // At most some 9 MiB are kept together. Of the largest as many as a hundred busy streams have: given back to the system
        // and taken again, each costs as much in page faults as it costs to fill it.
        let limits = [256, 256, 64, 32, 128]
        for (index, limit) in limits.enumerated() {
            (lists + index).initialize(to: FreeList(first: nil, count: 0, limit: limit))
        }
    }

    /// Gives back what nobody uses. Afterwards there is no pool.
    func deallocate() {
        for index in 0..<Self.sizeCount {
            while let buffer = lists[index].first {
                lists[index].first = buffer.load(as: UnsafeMutableRawPointer?.self)
                buffer.deallocate()
            }
        }
        lists.deallocate()
    }

    /// The index of the smallest size that holds `count` bytes; the largest when none does.
    static func sizeIndex(for count: Int) -> Int {
        count <= 128 ? 0 : count <= 512 ? 1 : count <= 4096 ? 2 : count <= record ? 3 : 4
    }

    /// The size at an index, in bytes.
    static func size(at index: Int) -> Int {
        index == 0 ? 128 : index == 1 ? 512 : index == 2 ? 4096 : index == 3 ? record : largest
    }

    func take(_ sizeIndex: Int) -> UnsafeMutableRawPointer {
        let list = lists + sizeIndex
        guard let buffer = list.pointee.first else {
            list.pointee.madeCount += 1
            return .allocate(byteCount: Self.size(at: sizeIndex), alignment: 16)
        }
        list.pointee.first = buffer.load(as: UnsafeMutableRawPointer?.self)
        list.pointee.count -= 1
        return buffer
    }

    /// How many buffers are in use, and their bytes.
    var lent: (count: Int, bytes: Int) {
        var (count, bytes) = (0, 0)
        for index in 0..<Self.sizeCount {
            let lent = lists[index].madeCount - lists[index].count
            count += lent
            bytes += lent * Self.size(at: index)
        }
        return (count, bytes)
    }

    func giveBack(_ buffer: UnsafeMutableRawPointer, _ sizeIndex: Int) {
        let list = lists + sizeIndex
        guard list.pointee.count < list.pointee.limit else {
            list.pointee.madeCount -= 1
            buffer.deallocate()
            return
        }
        buffer.storeBytes(of: list.pointee.first, as: UnsafeMutableRawPointer?.self)
        list.pointee.first = buffer
        list.pointee.count += 1
    }
}
