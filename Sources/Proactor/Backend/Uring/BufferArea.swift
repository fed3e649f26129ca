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
