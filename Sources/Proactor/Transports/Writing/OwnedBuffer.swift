/// Bytes in memory that has one owner, to be handed over instead of copied.
///
/// It holds ``count`` bytes and has room for ``capacity``. A transport that takes it in `write` frees it when it is sent; a
/// ``File`` reads into the room and writes the bytes.
///
/// ```swift
/// var buffer = OwnedBuffer(capacity: 1024)
/// buffer.append("HTTP/1.1 204 No Content\r\n\r\n")
/// transport.write(buffer)
/// ```
public struct OwnedBuffer: ~Copyable {
    /// `capacity` bytes from malloc, the first `count` of them initialised.
    private(set) var base: UnsafeMutableRawPointer
    /// How many bytes it can hold.
    public let capacity: Int
    /// How many bytes it holds.
    public private(set) var count = 0

    /// An empty buffer with room for `capacity` bytes.
    ///
    /// - Parameters:
    ///   - capacity: in bytes.
    ///   - alignment: of the memory, in bytes: a power of two. Direct I/O wants that of the device, often 512 or 4096; see
    ///     ``FileStatus/directMemoryAlignment``.
    public init(capacity: Int, alignment: Int = 16) {
        precondition(capacity >= 0, "a buffer's capacity cannot be negative")
        precondition(alignment > 0 && alignment.nonzeroBitCount == 1, "an alignment is a power of two")
        base = .allocate(byteCount: max(capacity, 1), alignment: max(alignment, 16))
        self.capacity = capacity
    }

    /// A full buffer with these bytes.
    public init(_ bytes: [UInt8]) {
        self.init(capacity: bytes.count)
        append(bytes)
    }

    deinit {
        base.deallocate()
    }

    /// How many more bytes fit.
    public var room: Int { capacity - count }

    /// Adds bytes; they must fit.
    public mutating func append(_ bytes: RawSpan) {
        precondition(bytes.byteCount <= room, "bytes do not fit the buffer")
        // `base + count` has room for them, and a span never overlaps memory that we own.
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress {
                (base + count).copyMemory(from: start, byteCount: source.count)
            }
        }
        count += bytes.byteCount
    }

    /// Adds bytes; they must fit.
    public mutating func append(_ bytes: [UInt8]) {
        append(bytes.span.bytes)
    }

    /// Adds text as UTF-8; it must fit.
    public mutating func append(_ text: String) {
        append(text.utf8Span.span.bytes)
    }

    /// Makes the buffer empty; the capacity stays.
    public mutating func removeAll() {
        count = 0
    }

    /// Drops the last `dropped` bytes, of which there must be as many.
    public mutating func removeLast(_ dropped: Int) {
        precondition(dropped >= 0 && dropped <= count, "more bytes were dropped than the buffer holds")
        count -= dropped
    }

    /// The bytes, lent to `body`.
    public borrowing func withBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        // The buffer is borrowed for the call, so the memory stays as it is.
        try body(UnsafeRawBufferPointer(start: base, count: count).bytes)
    }

    /// The bytes, lent to `body` to change in place.
    public mutating func withMutableBytes<Result>(_ body: (inout MutableRawSpan) throws -> Result) rethrows
        -> Result
    {
        var span = UnsafeMutableRawBufferPointer(start: base, count: count).mutableBytes
        return try body(&span)
    }

    /// The bytes, for the kernel to read while the buffer is borrowed.
    var filled: UnsafeRawBufferPointer { .init(start: base, count: count) }

    /// The room behind the bytes, for the kernel to fill.
    var unfilled: UnsafeMutableRawBufferPointer { .init(start: base + count, count: room) }

    /// Counts bytes that were put into ``unfilled``.
    mutating func didFill(_ added: Int) {
        precondition(added >= 0 && added <= room, "more bytes came than the buffer has room for")
        count += added
    }

    /// Gives the memory to the caller, who has to deallocate it.
    consuming func release() -> UnsafeMutableRawPointer {
        let memory = base
        discard self
        return memory
    }
}
