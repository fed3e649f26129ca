import Glibc

/// Wakes a ring through an eventfd that the ring reads. A wake before the ring runs waits in the counter.
final class EventWaker: LoopWaker {
    let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    func wake() {
        var one: UInt64 = 1
        // EAGAIN cannot be: the counter would have to reach its limit of 2^64 between two turns.
        while write(descriptor, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }
}
