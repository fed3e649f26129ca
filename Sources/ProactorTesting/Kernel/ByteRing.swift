/// Bytes in order, first in, first out, in one stretch of memory that is used round and round.
final class ByteRing {
    // The memory is this object's own, and bytes from `start` on, `count` of them and round the end, are initialised.
    @exclusivity(unchecked) private var memory: UnsafeMutableRawPointer
    @exclusivity(unchecked) private var capacity: Int
    @exclusivity(unchecked) private var start = 0
    @exclusivity(unchecked) private(set) var count = 0

    init(capacity: Int = 512) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit {
        memory.deallocate()
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        if count + bytes.count > capacity { grow(to: count + bytes.count) }
        let end = (start + count) & (capacity - 1)
        let first = min(bytes.count, capacity - end)
        // Both parts lie within the memory, and the bytes within the caller's.
        (memory + end).copyMemory(from: base, byteCount: first)
        memory.copyMemory(from: base + first, byteCount: bytes.count - first)
        count += bytes.count
    }

    /// Takes bytes out, as many as there is room for, and at most `limit`.
    func take(_ limit: Int, into room: UnsafeMutableRawBufferPointer) -> Int {
        let taken = copyFirst(limit, into: room)
        start = (start + taken) & (capacity - 1)
        count -= taken
        return taken
    }

    /// The same, and leaves them where they are.
    func copyFirst(_ limit: Int, into room: UnsafeMutableRawBufferPointer) -> Int {
        let taken = min(limit, room.count, count)
        guard taken > 0, let base = room.baseAddress else { return 0 }
        let first = min(taken, capacity - start)
        base.copyMemory(from: memory + start, byteCount: first)
        (base + first).copyMemory(from: memory, byteCount: taken - first)
        return taken
    }

    /// Forgets the bytes that came first.
    func dropFirst(_ dropped: Int) {
        precondition(dropped <= count, "more bytes were dropped than there are")
        start = (start + dropped) & (capacity - 1)
        count -= dropped
    }

    /// Forgets the bytes that came last.
    func dropLast(_ dropped: Int) {
        precondition(dropped <= count, "more bytes were dropped than there are")
        count -= dropped
    }

    private func grow(to least: Int) {
        var larger = capacity
        while larger < least { larger *= 2 }
        let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
        let first = min(count, capacity - start)
        fresh.copyMemory(from: memory + start, byteCount: first)
        (fresh + first).copyMemory(from: memory, byteCount: count - first)
        memory.deallocate()
        (memory, capacity, start) = (fresh, larger, 0)
    }
}
