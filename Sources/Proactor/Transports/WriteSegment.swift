/// A piece of outgoing data in one stretch of memory: bytes `start..<end` are still to be sent.
struct WriteSegment: BitwiseCopyable {
    /// From the pool, or an ``OwnedBuffer``'s.
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
