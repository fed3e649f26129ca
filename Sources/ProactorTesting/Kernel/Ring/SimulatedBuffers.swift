import DequeModule
import Proactor

/// A group of provided buffers, as a simulated kernel has it: in the order in which they were given.
final class SimulatedBuffers {
    let area: BufferArea
    // What the loop has published and nobody has taken yet. Of the first one, `consumed` bytes are taken.
    @exclusivity(unchecked) private var available: Deque<UInt16>
    @exclusivity(unchecked) private var unpublished: [UInt16] = []
    @exclusivity(unchecked) private var consumed = 0
    /// Which of them are the kernel's.
    @exclusivity(unchecked) private var isGiven: [Bool]
    @exclusivity(unchecked) private var isFree = false

    init(_ group: BufferGroup, count: Int, size: Int, isIncremental: Bool) {
        area = BufferArea(
            group: group,
            memory: .allocate(byteCount: count * size, alignment: 16),
            count: count,
            givenCount: BufferArea.firstCount(of: count),
            size: size,
            isIncremental: isIncremental
        )
        available = Deque((0..<area.givenCount).map { UInt16($0) })
        isGiven = (0..<count).map { [area] in $0 < area.givenCount }
    }

    deinit {
        free()
    }

    /// Frees the memory, which nobody looks at any more.
    func free() {
        guard !isFree else { return }
        isFree = true
        area.memory.deallocate()
    }

    /// What is left of the first one; `nil` when there is none.
    var room: UnsafeMutableRawBufferPointer? {
        guard let first = available.first else { return nil }
        // Buffers lie one after the other, and the loop looks at no byte that it was not told of.
        return UnsafeMutableRawBufferPointer(
            start: area.memory + Int(first) * area.size + consumed,
            count: area.size - consumed
        )
    }

    /// Uses bytes of the first one. Returns the flags that say so.
    func take(_ count: Int) -> UInt32 {
        let number = available[0]
        guard area.isIncremental, consumed + count < area.size else { return takeAll(number) }
        consumed += count
        return Self.name(number) | RingFlags.moreInBuffer
    }

    /// Uses up the first one. Returns the flags that say so.
    func takeAll() -> UInt32 { takeAll(available[0]) }

    private func takeAll(_ number: UInt16) -> UInt32 {
        available.removeFirst()
        consumed = 0
        isGiven[Int(number)] = false
        return Self.name(number)
    }

    /// The flags that name the first one, which stays.
    var nameOfFirst: UInt32 { available.first.map(Self.name) ?? 0 }

    private static func name(_ number: UInt16) -> UInt32 {
        RingFlags.buffer | UInt32(number) << RingFlags.bufferShift
    }

    func recycle(_ number: UInt16) {
        // The kernel would write to it for two at once.
        precondition(!isGiven[Int(number)], "a receive buffer was given back that the kernel has")
        isGiven[Int(number)] = true
        unpublished.append(number)
    }

    func publish() {
        available.append(contentsOf: unpublished)
        unpublished.removeAll(keepingCapacity: true)
    }
}

/// The bits of a completion's flags, as the kernel has them.
enum RingFlags {
    static let buffer: UInt32 = 1 << 0
    static let more: UInt32 = 1 << 1
    static let moreInBuffer: UInt32 = 1 << 4
    static let bufferShift: UInt32 = 16
}
