/// Buffers that the kernel chooses from when it receives; the raw value is their number in the ring.
package enum BufferGroup: UInt16 {
    /// For streams: small buffers, or large ones that are consumed piece by piece.
    case streams = 1
    /// For datagrams, which must fit one buffer each and are not put together with others: a datagram that comes when a
    /// partly consumed buffer has too little room left would be cut.
    case datagrams = 2
    /// For single receives with a length of their own, where the buffers of streams are consumed piece by piece: whole ones.
    ///
    /// A receive that is armed for one piece may end up with a thread of the kernel's, after 128 vain attempts. There the
    /// kernel takes all that was asked for out of a partly consumed buffer before it receives, and never gives back what did
    /// not come: no result would tell where the next piece starts. What asks for no length, or for more than any buffer has,
    /// takes all that is left there, so that no piece follows. Multishot operations never run there: the kernel polls for
    /// them or ends them. (Where it makes single ones of them, with files that cannot be read without waiting, these ask for no
    /// length either.)
    case singles = 3
}

/// Where the buffers of a group lie: one after the other.
package struct BufferArea {
    package let group: BufferGroup
    package let memory: UnsafeMutableRawPointer
    package let count: Int
    /// How many of them, from the first on, the kernel has when they are made.
    package let givenCount: Int
    /// Bytes in each.
    package let size: Int
    /// Whether receives take only what they need of a buffer.
    package let isIncremental: Bool

    package init(
        group: BufferGroup,
        memory: UnsafeMutableRawPointer,
        count: Int,
        givenCount: Int,
        size: Int,
        isIncremental: Bool
    ) {
        self.group = group
        self.memory = memory
        self.count = count
        self.givenCount = givenCount
        self.size = size
        self.isIncremental = isIncremental
    }

    /// How many of so many the kernel has at first: few. It takes them in turn, so that all that it has are written to before one
    /// is used again, and few of them stay in the processor's caches.
    package static func firstCount(of count: Int) -> Int { max(count / 16, min(count, 2)) }
}
