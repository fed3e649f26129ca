import DequeModule
import Glibc
import SystemPackage

/// What a transport still has to send, in order. The kernel holds the first segments while a send is in flight; the rest
/// may still grow.
///
/// Small writes are copied together and sent at once: that was measured to beat vectors of small pieces. Large arrays and
/// owned buffers are kept as they are. Only what does not fit one segment goes out as a vector.
struct WriteQueue {
    /// The longest vector that is sent: far below IOV_MAX, and 4 MiB of full segments.
    static let vectorLimit = 64

    private var first: WriteSegment?
    /// What few connections need, and none that is idle.
    private var more: WriteOverflow?
    /// How many of the first segments the kernel holds: they neither grow nor go.
    private var inFlight: Int32 = 0
    /// Bytes that are still to be sent.
    private(set) var byteCount = 0

    var isInFlight: Bool { inFlight > 0 }

    // MARK: - Growing

    mutating func append(_ bytes: UnsafeRawBufferPointer, pool: BufferPool) {
        byteCount += bytes.count
        if first == nil, bytes.count > 0, bytes.count <= BufferPool.largest {
            return addFirst(bytes, pool: pool)
        }
        var remaining = bytes
        while remaining.count > 0 {
            let taken = appendToLast(remaining)
            remaining = UnsafeRawBufferPointer(rebasing: remaining[taken...])
            if remaining.count > 0, !growLast(by: remaining.count, pool: pool) {
                addSegment(for: remaining.count, pool: pool)
            }
        }
    }

    /// - Parameter ownedMax: what is longer is copied: a segment counts its bytes in 32 bits.
    mutating func append(_ buffer: consuming OwnedBuffer, pool: BufferPool, ownedMax: Int = Int(Int32.max)) {
        let count = buffer.count
        guard count > 0 else { return }
        guard count <= ownedMax else { return append(buffer.filled, pool: pool) }
        byteCount += count
        addSegment(
            WriteSegment(base: buffer.release(), capacity: Int32(count), sizeIndex: -1, end: Int32(count))
        )
    }

    /// From how many bytes an array is kept rather than copied: below that the copy costs less than a segment of its own.
    static let keptArraySize = 32 * 1024

    /// Keeps an array, or the stretch of it that is to be sent, without a copy.
    ///
    /// - Parameter keptMax: what is longer is copied, as with buffers.
    mutating func append(
        _ array: ArraySlice<UInt8>,
        pool: BufferPool,
        keptMax: Int = Int(Int32.max)
    ) {
        let count = array.count
        guard count > 0 else { return }
        guard count <= keptMax else { return array.withUnsafeBytes { append($0, pool: pool) } }
        byteCount += count
        overflow().arrays.append(array)
        // A native array's elements lie in one object of the heap. It stays where it is while `arrays` refers to it, and nobody
        // changes it: who has the array as well, and writes to it, gets a copy.
        let base = array.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress!) }
        addSegment(
            WriteSegment(
                base: base,
                capacity: Int32(count),
                sizeIndex: WriteSegment.keptArray,
                end: Int32(count)
            )
        )
    }

    // MARK: - Reserving

    /// Room for `capacity` bytes, with `head` bytes before and `tail` behind them, in one pooled segment: for who makes records of
    /// bytes in place. It is to be handed to ``commit(_:start:end:pool:)``.
    static func reserve(_ capacity: Int, head: Int, tail: Int, pool: BufferPool) -> ReservedRoom {
        let size = head + capacity + tail
        precondition(size <= BufferPool.largest, "no segment has so much room")
        let sizeIndex = BufferPool.sizeIndex(for: size)
        let segment = WriteSegment(
            base: pool.take(sizeIndex),
            capacity: Int32(BufferPool.size(at: sizeIndex)),
            sizeIndex: Int32(sizeIndex),
            end: Int32(size)
        )
        return ReservedRoom(segment: segment, head: head, capacity: capacity)
    }

    /// Has bytes of the room sent, counted from the beginning of its head, behind what was written before. None give it back.
    mutating func commit(_ room: consuming ReservedRoom, start: Int, end: Int, pool: BufferPool) {
        var segment = room.segment
        precondition(
            start >= 0 && start <= end && end <= Int(segment.end),
            "more was committed than reserved"
        )
        guard start < end else { return free(segment, pool: pool) }
        segment.start = Int32(start)
        segment.end = Int32(end)
        byteCount += end - start
        addSegment(segment)
    }

    /// Copies what fits behind the last segment's bytes, unless the kernel holds it.
    private mutating func appendToLast(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard segmentCount > inFlight else { return 0 }
        return withLast { last in
            let count = min(last.room, bytes.count)
            guard count > 0 else { return 0 }
            // `end + count` is within the segment's capacity, and no one else sees the bytes behind its end.
            (last.base + Int(last.end)).copyMemory(from: bytes.baseAddress!, byteCount: count)
            last.end += Int32(count)
            return count
        }
    }

    /// Moves what the last segment still has into a buffer with room for more, as long as there are larger ones than its own.
    private mutating func growLast(by added: Int, pool: BufferPool) -> Bool {
        guard segmentCount > inFlight else { return false }
        return withLast { last in
            guard last.sizeIndex >= 0, Int(last.sizeIndex) < BufferPool.sizeCount - 1 else { return false }
            let sizeIndex = BufferPool.sizeIndex(for: min(last.count + added, BufferPool.largest))
            let base = pool.take(sizeIndex)
            base.copyMemory(from: last.bytes.baseAddress!, byteCount: last.count)
            pool.giveBack(last.base, Int(last.sizeIndex))
            last = WriteSegment(
                base: base,
                capacity: Int32(BufferPool.size(at: sizeIndex)),
                sizeIndex: Int32(sizeIndex),
                end: Int32(last.count)
            )
            return true
        }
    }

    /// The usual case: there is nothing else, and it fits.
    private mutating func addFirst(_ bytes: UnsafeRawBufferPointer, pool: BufferPool) {
        let sizeIndex = BufferPool.sizeIndex(for: bytes.count)
        let base = pool.take(sizeIndex)
        // The size of this index holds as many bytes, and nobody else has the buffer.
        base.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        first = WriteSegment(
            base: base,
            capacity: Int32(BufferPool.size(at: sizeIndex)),
            sizeIndex: Int32(sizeIndex),
            end: Int32(bytes.count)
        )
    }

    private mutating func addSegment(for count: Int, pool: BufferPool) {
        let sizeIndex = BufferPool.sizeIndex(for: count)
        addSegment(
            WriteSegment(
                base: pool.take(sizeIndex),
                capacity: Int32(BufferPool.size(at: sizeIndex)),
                sizeIndex: Int32(sizeIndex),
                end: 0
            )
        )
    }

    private mutating func addSegment(_ segment: WriteSegment) {
        if first == nil { first = segment } else { overflow().rest.append(segment) }
    }

    private var segmentCount: Int { first == nil ? 0 : 1 + (more?.restCount ?? 0) }

    private mutating func overflow() -> WriteOverflow {
        if let more { return more }
        let more = WriteOverflow()
        self.more = more
        return more
    }

    private mutating func withLast<Result>(_ body: (inout WriteSegment) -> Result) -> Result {
        guard let more, more.restCount > 0 else { return body(&first!) }
        return body(&more.rest[more.rest.count - 1])
    }

    // MARK: - Sending

    /// The operation that sends what is there; nothing may be in flight, and there must be bytes.
    mutating func makeSend(on socket: FileDescriptor, pool: BufferPool) -> IOOperation {
        precondition(inFlight == 0, "two sends at once on one stream would mix up its bytes")
        guard let first else { preconditionFailure("a send of nothing") }
        guard let more, more.restCount > 0 else {
            inFlight = 1
            return .sendNow(socket, first.bytes)
        }
        let count = min(segmentCount, Self.vectorLimit)
        inFlight = Int32(count)
        return .sendMessageNow(socket, more.makeMessage(first, count, pool: pool))
    }

    /// The same for a pipe.
    mutating func makeWrite(to pipe: FileDescriptor, pool: BufferPool) -> IOOperation {
        switch makeSend(on: pipe, pool: pool) {
        case .sendNow(_, let bytes): return .pipeWrite(pipe, bytes)
        case .sendMessageNow(_, let message): return .pipeWriteVector(pipe, message)
        default: preconditionFailure("not a send")
        }
    }

    /// The send in flight is over and `sent` bytes of it went out.
    mutating func sendCompleted(_ sent: Int, pool: BufferPool) {
        precondition(inFlight > 0 && sent <= byteCount, "a send completed that was not in flight")
        inFlight = 0
        more?.messageWasSent(pool: pool)
        drop(sent, pool: pool)
    }

    /// The bytes that are next, as far as they lie together; `nil` when there are none.
    var firstBytes: UnsafeRawBufferPointer? { first?.bytes }

    /// So many of ``firstBytes`` went out without a send in flight.
    mutating func sentAtOnce(_ sent: Int, pool: BufferPool) {
        precondition(inFlight == 0 && sent <= byteCount, "bytes went out past the send in flight")
        guard sent == byteCount, let only = first, more == nil else { return drop(sent, pool: pool) }
        // The usual case: all that there was, of a queue that was never longer.
        byteCount = 0
        first = nil
        free(only, pool: pool)
    }

    private mutating func drop(_ sent: Int, pool: BufferPool) {
        byteCount -= sent
        var remaining = sent
        while let segment = first, segment.count <= remaining {
            remaining -= segment.count
            dropFirst(pool: pool)
        }
        if remaining > 0 { first!.start += Int32(remaining) }
    }

    /// Drops all that the kernel does not hold.
    mutating func removeAllNotInFlight(pool: BufferPool) {
        guard inFlight == 0 else {
            while segmentCount > inFlight, let more {
                let last = more.rest.removeLast()
                if last.sizeIndex == WriteSegment.keptArray {
                    more.arrays.removeLast()
                } else {
                    free(last, pool: pool)
                }
            }
            byteCount = (first?.count ?? 0) + (more?.restByteCount ?? 0)
            return
        }
        while first != nil { dropFirst(pool: pool) }
        byteCount = 0
    }

    /// Drops all of it, for a kernel that is gone and holds nothing any more.
    mutating func discardAll(pool: BufferPool) {
        if inFlight > 0 { sendCompleted(0, pool: pool) }
        removeAllNotInFlight(pool: pool)
    }

    private mutating func dropFirst(pool: BufferPool) {
        free(first!, pool: pool)
        first = more?.takeFirst()
        // A long queue's memory is not kept for a connection that may be idle from here on.
        if first == nil, more?.isLong == true { more = nil }
    }

    /// Gives back what the first segment, or the room that was reserved, has.
    private mutating func free(_ segment: WriteSegment, pool: BufferPool) {
        if segment.sizeIndex == WriteSegment.keptArray {
            more?.arrays.removeFirst()
            return
        }
        guard segment.sizeIndex >= 0 else { return segment.base.deallocate() }
        pool.giveBack(segment.base, Int(segment.sizeIndex))
    }
}

/// What a queue has beyond its first segment.
private final class WriteOverflow {
    /// The longest list whose memory is kept.
    private static let keptMax = 8

    // Exclusivity: it belongs to a queue of the loop's thread, and no method calls out.

    /// The segments behind the first, from `restStart` on.
    @exclusivity(unchecked) var rest: [WriteSegment] = []
    @exclusivity(unchecked) private var restStart = 0
    /// The `msghdr` and its vector, while the kernel holds more than one segment.
    @exclusivity(unchecked) private var message: UnsafeMutableRawPointer?
    /// Arrays that segments point into, in the order of those segments.
    @exclusivity(unchecked) var arrays: Deque<ArraySlice<UInt8>> = []

    var restCount: Int { rest.count - restStart }
    var restByteCount: Int { rest[restStart...].reduce(0) { $0 + $1.count } }
    /// Whether it has memory for more than most queues have, and nothing in it.
    var isLong: Bool { rest.isEmpty && rest.capacity > 2 * Self.keptMax && arrays.isEmpty && message == nil }

    func takeFirst() -> WriteSegment? {
        guard restCount > 0 else { return nil }
        defer {
            restStart += 1
            if restStart == rest.count {
                rest.removeAll(keepingCapacity: true)
                restStart = 0
            } else if restStart >= 64, restStart * 2 >= rest.count {
                // A queue that is never empty must not grow by what was sent.
                rest.removeFirst(restStart)
                restStart = 0
            }
        }
        return rest[restStart]
    }

    /// A message of the first segment and those behind it, `count` in all.
    func makeMessage(_ first: WriteSegment, _ count: Int, pool: BufferPool) -> UnsafeMutablePointer<msghdr> {
        // One pooled buffer holds the header and, behind it, the vector: 56 + 64 * 16 bytes.
        let memory = pool.take(Self.messageSizeIndex)
        message = memory
        let header = memory.bindMemory(to: msghdr.self, capacity: 1)
        let vectorStart = memory + MemoryLayout<msghdr>.stride
        let vector = vectorStart.bindMemory(to: iovec.self, capacity: count)
        vector[0] = iovec(iov_base: first.base + Int(first.start), iov_len: first.count)
        for index in 1..<count {
            let segment = rest[restStart + index - 1]
            vector[index] = iovec(iov_base: segment.base + Int(segment.start), iov_len: segment.count)
        }
        header.initialize(to: msghdr())
        header.pointee.msg_iov = vector
        header.pointee.msg_iovlen = count
        return header
    }

    private static let messageSizeIndex = BufferPool.sizeIndex(
        for: MemoryLayout<msghdr>.stride + WriteQueue.vectorLimit * MemoryLayout<iovec>.stride
    )

    func messageWasSent(pool: BufferPool) {
        guard let memory = message else { return }
        message = nil
        pool.giveBack(memory, Self.messageSizeIndex)
    }
}

/// A piece of outgoing data in one stretch of memory: bytes `start..<end` are still to be sent.
struct WriteSegment: BitwiseCopyable {
    /// The ``sizeIndex`` of one that points into an array.
    static let keptArray: Int32 = -2

    /// From the pool, an ``OwnedBuffer``'s, or an array's.
    let base: UnsafeMutableRawPointer
    let capacity: Int32
    /// Which of the pool's sizes it is; below zero for memory that came with the write.
    let sizeIndex: Int32
    var start: Int32 = 0
    var end: Int32

    var count: Int { Int(end - start) }
    var room: Int { sizeIndex < 0 ? 0 : Int(capacity - end) }
    var bytes: UnsafeRawBufferPointer { .init(start: base + Int(start), count: count) }
}

/// Room in a segment that is not in a queue yet.
struct ReservedRoom: ~Copyable {
    fileprivate let segment: WriteSegment
    fileprivate let head: Int
    fileprivate let capacity: Int

    /// The room itself. What stands before and behind it, within the head and the tail, is the caller's too.
    var bytes: UnsafeMutableRawBufferPointer {
        // The segment has room for the head, for this, and for the tail.
        UnsafeMutableRawBufferPointer(start: segment.base + head, count: capacity)
    }
}
