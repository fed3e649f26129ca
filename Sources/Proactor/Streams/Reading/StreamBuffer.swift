import CPosix
import Glibc

/// Bytes that have come and are not read yet, in one stretch of memory.
///
/// ```
///   base        start              end          capacity
///    │    read    │  not read yet   │    room      │
/// ```
/// It holds no memory while it is empty, so an idle reader has none. What comes for a task that waits is not copied at all
/// unless something of it is left: the memory is the deliverer's meanwhile, see ``borrow(_:)``.
struct StreamBuffer: ~Copyable {
    /// Whose the memory is, and how it goes back.
    private enum Memory {
        case none
        /// One of a ``BufferPool``, by its size index.
        case pooled(Int)
        /// From malloc.
        case allocated
        /// The deliverer's, for the call. It is not written to.
        case borrowed
    }

    // Invariant: unless `memory` is `.none`, `base` points to `capacity` bytes, and 0 ≤ start ≤ end ≤ capacity; those from
    // `start` to `end` are initialised.
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var start = 0
    private var end = 0
    private var memory = Memory.none

    deinit {
        switch memory {
        case .none, .borrowed: break
        case .pooled: base?.deallocate()
        case .allocated: free(base)
        }
    }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }

    // MARK: - Adding

    /// Adds a copy of `data`.
    ///
    /// - Parameters:
    ///   - expected: how many bytes there will be in all, as far as that is known.
    ///   - pool: where memory comes from; `nil` is the allocator.
    mutating func append(_ data: RawSpan, expecting expected: Int = 0, pool: BufferPool?) {
        data.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress, bytes.count > 0 else { return }
            if bytes.count > capacity - end { makeRoom(for: bytes.count, expecting: expected, pool: pool) }
            // There is room behind `end`, and nobody else has this memory.
            base.unsafelyUnwrapped.advanced(by: end).copyMemory(from: source, byteCount: bytes.count)
            end += bytes.count
        }
    }

    /// Holds bytes where they are. The caller keeps them there until ``endBorrowing(expecting:pool:)``. The buffer is empty.
    mutating func borrow(_ bytes: UnsafeRawBufferPointer) {
        precondition(isEmpty && base == nil, "a buffer that holds bytes borrowed others")
        // Never written to: there is no room behind them, and borrowed bytes are not moved in place.
        base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        (start, end, capacity) = (0, bytes.count, bytes.count)
        memory = .borrowed
    }

    /// Copies what is left of what ``borrow(_:)`` has taken.
    mutating func endBorrowing(expecting expected: Int, pool: BufferPool?) {
        guard case .borrowed = memory else { return }
        guard !isEmpty else { return forget() }
        move(toCapacity: max(count, expected), pool: pool)
    }

    /// No byte is moved more than twice for each that comes: what is moved within the memory has at most the size of what was
    /// read before it, and memory that is too small is at least doubled.
    private mutating func makeRoom(for added: Int, expecting expected: Int, pool: BufferPool?) {
        let needed = count + added
        if needed <= capacity, start >= count, !isBorrowed {
            let base = base.unsafelyUnwrapped
            // Both stretches lie within the memory, and may overlap.
            memmove(base, base + start, count)
            (start, end) = (0, count)
            return
        }
        move(toCapacity: max(needed, expected, 2 * count), pool: pool)
    }

    private var isBorrowed: Bool {
        if case .borrowed = memory { true } else { false }
    }

    /// Moves what is not read to memory of this size at least.
    private mutating func move(toCapacity wanted: Int, pool: BufferPool?) {
        let held = count
        if case .allocated = memory, start == 0 {
            // The allocator may find room behind it, or move pages instead of bytes.
            guard let larger = realloc(base, wanted) else {
                fatalError("no memory for \(wanted) bytes of a stream")
            }
            (base, capacity) = (larger, wanted)
            return
        }
        let target: UnsafeMutableRawPointer
        let size: Int
        let kind: Memory
        if let pool, wanted <= BufferPool.largest {
            let index = BufferPool.sizeIndex(for: wanted)
            (target, size, kind) = (pool.take(index), BufferPool.size(at: index), .pooled(index))
        } else {
            guard let new = malloc(wanted) else { fatalError("no memory for \(wanted) bytes of a stream") }
            (target, size, kind) = (new, wanted, .allocated)
        }
        // The new memory has room for all that is held, and is another.
        if let base, held > 0 { target.copyMemory(from: base + start, byteCount: held) }
        release(to: pool)
        (base, capacity, start, end, memory) = (target, size, 0, held, kind)
    }

    // MARK: - Taking

    /// The first `count` bytes, of which there are as many. They stay where they are until something is added or dropped.
    func first(_ count: Int) -> UnsafeRawBufferPointer {
        precondition(count >= 0 && count <= self.count, "more was read than there is")
        return UnsafeRawBufferPointer(start: base.map { $0 + start }, count: count)
    }

    /// Drops the first `count` bytes, of which there are as many.
    mutating func drop(_ count: Int, pool: BufferPool?) {
        precondition(count >= 0 && count <= self.count, "more was read than there is")
        start += count
        if start == end { release(to: pool) }
    }

    private mutating func release(to pool: BufferPool?) {
        switch memory {
        case .none, .borrowed: break
        case .pooled(let index):
            if let base { if let pool { pool.giveBack(base, index) } else { base.deallocate() } }
        case .allocated: free(base)
        }
        forget()
    }

    private mutating func forget() {
        (base, capacity, start, end, memory) = (nil, 0, 0, 0, .none)
    }

    // MARK: - Searching

    /// Where `byte` stands first among the bytes from `first` up to `last`, counted as ``count`` is.
    func index(of byte: UInt8, from first: Int, to last: Int) -> Int? {
        guard let base, first < last, last <= count else { return nil }
        let begin = base + start + first
        // memchr stays within the stretch, which is initialised.
        guard let found = memchr(begin, Int32(byte), last - first) else { return nil }
        return first + (found - begin)
    }

    /// Where the bytes of `pattern` stand first, all of them among those from `first` up to `last`.
    func index(of pattern: UnsafeRawBufferPointer, from first: Int, to last: Int) -> Int? {
        guard let base, first < last, last <= count else { return nil }
        let begin = base + start + first
        // It stays within both stretches, which are initialised.
        guard let found = cposix_find(begin, last - first, pattern.baseAddress, pattern.count) else {
            return nil
        }
        return first + (found - UnsafeRawPointer(begin))
    }
}
