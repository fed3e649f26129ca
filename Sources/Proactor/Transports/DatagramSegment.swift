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
