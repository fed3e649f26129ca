import SystemPackage

/// The datagrams that a transport still has to send, in order, each with its destination in the kernel's form.
///
/// They are copied one behind the other into pooled memory, and what the kernel wants to know of them is one array: as many
/// as there are go out by one call.
struct DatagramQueue: ~Copyable {
    /// What a datagram counts for besides its bytes: a UDP header's size.
    static let headerSize = 8

    private var records = RawQueue<OutgoingDatagram>()
    private var segments = RawQueue<DatagramSegment>()
    /// Bytes that are still to be sent, and ``headerSize`` for each datagram.
    private(set) var byteCount = 0

    var count: Int { records.count }
    var isEmpty: Bool { records.isEmpty }

    /// The first datagrams, at most `limit`; valid until the queue next changes. Their bytes stay where they are until the
    /// datagram is removed.
    func first(_ limit: Int) -> UnsafeBufferPointer<OutgoingDatagram> {
        UnsafeBufferPointer(rebasing: records.elements.prefix(limit))
    }

    /// Copies a datagram into the queue. Returns the reason when `address` is none that the kernel could be told.
    mutating func append(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress?, pool: BufferPool)
        -> Errno?
    {
        precondition(bytes.count <= Int(Int32.max), "a datagram of 2 GiB or more")
        let addressRoom = address?.kernelRoom ?? 0
        let needed = addressRoom + (bytes.count + 7) & ~7
        let start = room(for: needed, pool: pool)
        var record = OutgoingDatagram()
        if let address {
            do throws(Errno) { record.address_length = UInt32(try address.write(to: start)) } catch {
                return error
            }
            record.address = UnsafeRawPointer(start)
        }
        append(record, bytes, at: start + addressRoom, needed)
        return nil
    }

    /// Moves the first datagram to the end of another queue.
    mutating func moveFirst(to other: inout DatagramQueue, pool: BufferPool) {
        let datagram = records.first
        let addressLength = Int(datagram.address_length)
        let addressRoom = (addressLength + 7) & ~7
        let needed = addressRoom + (Int(datagram.count) + 7) & ~7
        let start = other.room(for: needed, pool: pool)
        var record = OutgoingDatagram()
        if let address = datagram.address {
            start.copyMemory(from: address, byteCount: addressLength)
            record.address = UnsafeRawPointer(start)
            record.address_length = datagram.address_length
        }
        // The record names so many bytes of this queue's.
        let bytes = UnsafeRawBufferPointer(start: datagram.bytes, count: Int(datagram.count))
        other.append(record, bytes, at: start + addressRoom, needed)
        removeFirst(1, pool: pool)
    }

    /// Where the next `needed` bytes go.
    private mutating func room(for needed: Int, pool: BufferPool) -> UnsafeMutableRawPointer {
        if segments.isEmpty || segments.last.room < needed { addSegment(for: needed, pool: pool) }
        // So many bytes from here on are in the segment, and nobody else uses them.
        return segments.last.base + segments.last.used
    }

    /// Puts a datagram down whose address is in place already; `needed` counts both.
    private mutating func append(
        _ record: OutgoingDatagram,
        _ bytes: UnsafeRawBufferPointer,
        at target: UnsafeMutableRawPointer,
        _ needed: Int
    ) {
        var record = record
        if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: bytes.count) }
        record.bytes = UnsafeRawPointer(target)
        record.count = UInt32(bytes.count)
        segments.last.used += needed
        segments.last.datagrams += 1
        records.append(record)
        byteCount += bytes.count + Self.headerSize
    }

    /// Drops the first datagrams: they were sent, or never will be.
    mutating func removeFirst(_ number: Int, pool: BufferPool) {
        for record in records.elements.prefix(number) { byteCount -= Int(record.count) + Self.headerSize }
        records.removeFirst(number)
        guard !isEmpty else { return freeSegments(pool: pool) }
        var remaining = number
        while remaining > 0 {
            let gone = min(remaining, segments.first.datagrams)
            remaining -= gone
            segments.first.datagrams -= gone
            if segments.first.datagrams == 0 { freeFirstSegment(pool: pool) }
        }
    }

    /// Drops all, but for the first when the kernel has it. The memory then goes with that one.
    mutating func removeAll(keepingFirst keepsFirst: Bool, pool: BufferPool) {
        let kept = keepsFirst ? 1 : 0
        for record in records.elements.dropFirst(kept) { byteCount -= Int(record.count) + Self.headerSize }
        records.removeLast(max(count - kept, 0))
        if isEmpty { freeSegments(pool: pool) }
    }

    private mutating func freeSegments(pool: BufferPool) {
        while !segments.isEmpty { freeFirstSegment(pool: pool) }
    }

    private mutating func addSegment(for needed: Int, pool: BufferPool) {
        guard needed <= BufferPool.largest else {
            let base = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: 16)
            segments.append(DatagramSegment(base: base, capacity: needed, sizeIndex: -1))
            return
        }
        // A second segment means that there are many datagrams, or large ones.
        let sizeIndex = max(BufferPool.sizeIndex(for: needed), segments.isEmpty ? 2 : 3)
        segments.append(
            DatagramSegment(
                base: pool.take(sizeIndex),
                capacity: BufferPool.size(at: sizeIndex),
                sizeIndex: sizeIndex
            )
        )
    }

    private mutating func freeFirstSegment(pool: BufferPool) {
        let segment = segments.first
        segments.removeFirst(1)
        guard segment.sizeIndex >= 0 else { return segment.base.deallocate() }
        pool.giveBack(segment.base, segment.sizeIndex)
    }
}

/// A stretch of memory with datagrams that wait to be sent, one behind the other.
struct DatagramSegment: BitwiseCopyable {
    /// From the pool, or of its own for a datagram that is larger than what the pool has.
    let base: UnsafeMutableRawPointer
    let capacity: Int
    /// Which of the pool's sizes it is; below zero for memory of its own.
    let sizeIndex: Int
    /// The bytes in use.
    var used = 0
    /// The datagrams in it that are not sent yet.
    var datagrams = 0

    var room: Int { capacity - used }
}
