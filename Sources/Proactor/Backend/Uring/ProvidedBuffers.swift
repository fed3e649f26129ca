/// The receive buffers that all connections, or all datagram sockets, share: which bytes a completion brought, and when a
/// buffer is spent.
///
/// The kernel takes buffers in the order in which they were given. Whole ones are spent by one receive each. Incrementally
/// consumed ones are filled piece by piece, and a completion does not say where its piece starts: the sum of the pieces before
/// it does, as completions come in the order in which the kernel took them. Those of its own threads do not, so what may run
/// there takes whole buffers, or all that is left of one: see ``BufferGroup/singles``.
final class ProvidedBuffers {
    /// What a completion brought, and the buffer that is spent by it, or a negative number.
    struct Piece {
        let bytes: UnsafeRawBufferPointer
        let spentBuffer: Int32
        /// Whether the bytes took all the room that the buffer had left: there may have been more of them.
        var isFull = false

        static var none: Piece { Piece(bytes: .init(start: nil, count: 0), spentBuffer: -1) }
    }

    private let ring: DirectRing
    private let group: BufferGroup
    private let memory: UnsafeMutableRawPointer
    private let count: Int
    private let size: Int
    private let isIncremental: Bool
    /// How much of each buffer came already.
    private let consumed: UnsafeMutablePointer<UInt32>
    /// When each buffer was given to the kernel: how many had been before.
    private let turns: UnsafeMutablePointer<UInt64>
    // Exclusivity: these belong to the loop's thread, and no method here calls out of the backend.
    /// A buffer that a completion without bytes named: whether the kernel took it shows only later.
    @exclusivity(unchecked) private(set) var doubtful: Int32 = -1
    @exclusivity(unchecked) private var hasUnpublished = false
    @exclusivity(unchecked) private var givenCount: UInt64
    /// How many the kernel has had so far; the others were never needed.
    @exclusivity(unchecked) private var usedCount: Int
    /// The first of the buffers that it got when it had run out and none of which has come back yet: what says before that that none
    /// was left is the same shortage.
    @exclusivity(unchecked) private var awaitedBuffer = Int.max
    /// The latest turn of the buffers that were named so far: the kernel has taken all with earlier turns.
    @exclusivity(unchecked) private var latestTurn: UInt64 = 0

    init(ring: any RingCalls, area: BufferArea) {
        self.ring = DirectRing(ring)
        group = area.group
        memory = area.memory
        count = area.count
        size = area.size
        isIncremental = area.isIncremental
        consumed = .allocate(capacity: count)
        consumed.initialize(repeating: 0, count: count)
        usedCount = area.givenCount
        givenCount = UInt64(area.givenCount)
        turns = .allocate(capacity: count)
        for number in 0..<count { turns[number] = UInt64(number) }
    }

    deinit {
        consumed.deallocate()
        turns.deallocate()
    }

    /// The piece that a completion names. Its bytes hold until ``giveBack(_:)`` and ``publish()``.
    func take(_ completion: RingCompletion) -> Piece {
        let number = Int(completion.bufferNumber)
        precondition(number < usedCount, "the kernel named a receive buffer that it was not given")
        if number >= awaitedBuffer { awaitedBuffer = .max }
        if doubtful >= 0 { resolveDoubt(next: number) }
        // A thread of the kernel's may hold one for long, while later ones come and go.
        let isOvertaken = turns[number] < latestTurn
        if !isOvertaken { latestTurn = turns[number] }
        guard completion.result > 0 else {
            if isOvertaken { return Piece(bytes: Piece.none.bytes, spentBuffer: Int32(number)) }
            // Some kernels name a buffer with an error, or at end of stream, and keep it; others hand it over.
            doubtful = Int32(number)
            return .none
        }
        let length = Int(completion.result)
        let start = Int(consumed[number])
        // The kernel wrote `length` bytes from `start`, and never beyond the buffer.
        precondition(start + length <= size, "the kernel overran a receive buffer")
        let bytes = UnsafeRawBufferPointer(start: memory + number * size + start, count: length)
        if isIncremental, start + length < size, completion.hasMoreInBuffer {
            consumed[number] = UInt32(start + length)
            return Piece(bytes: bytes, spentBuffer: -1)
        }
        return Piece(bytes: bytes, spentBuffer: Int32(number), isFull: start + length == size)
    }

    /// A spent buffer's bytes were looked at: the kernel may have it again, after ``publish()``.
    func giveBack(_ number: Int32) {
        guard number >= 0 else { return }
        consumed[Int(number)] = 0
        turns[Int(number)] = givenCount
        givenCount += 1
        ring.recycleBuffer(UInt16(number), of: group)
        hasUnpublished = true
    }

    /// The kernel found no buffer, so it has taken every one that it was given. It gets twice as many, as long as there are more.
    func ranOut() {
        giveBack(doubtful)
        doubtful = -1
        // Each receive that found none tells of it.
        guard awaitedBuffer == .max, usedCount < count else { return }
        awaitedBuffer = usedCount
        usedCount = min(2 * usedCount, count)
        for number in awaitedBuffer..<usedCount { giveBack(Int32(number)) }
    }

    func publish() {
        guard hasUnpublished else { return }
        hasUnpublished = false
        ring.publishBuffers(of: group)
    }

    /// A buffer that was kept comes first again; when one with a later turn comes, it was handed over. One with an earlier turn
    /// was taken before, and tells nothing.
    private func resolveDoubt(next: Int) {
        guard turns[next] >= turns[Int(doubtful)] else { return }
        if Int(doubtful) != next { giveBack(doubtful) }
        doubtful = -1
    }
}
