/// Buffers that the kernel chooses from when it receives; the raw value is their number in the ring.
enum BufferGroup: UInt16 {
    /// For streams: small buffers, or large ones that are consumed piece by piece.
    case streams = 1
    /// For datagrams, which must fit one buffer each and are not put together with others: a datagram that comes when a
    /// partly consumed buffer has too little room left would be cut.
    case datagrams = 2
}

/// Where the buffers of a group lie: one after the other.
struct BufferArea {
    let group: BufferGroup
    let memory: UnsafeMutableRawPointer
    let count: Int
    /// Bytes in each.
    let size: Int
    /// Whether receives take only what they need of a buffer.
    let isIncremental: Bool
}
