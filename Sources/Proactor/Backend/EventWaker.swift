import CPosix
import Glibc
import SystemPackage

/// Ends a wait through an eventfd: a selector watches it, a ring reads it. A wake before the loop runs waits in the counter.
final class EventWaker: LoopWaker {
    let descriptor: Int32

    init() throws(Errno) {
        descriptor = try Errno.check(cposix_eventfd())
    }

    func wake() {
        var one: UInt64 = 1
        // EAGAIN is a counter that is full, and so a wake-up that is under way already.
        while write(descriptor, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }

    /// Makes it blocking, for a read that waits in the kernel.
    func waitInReads() {
        _ = fcntl(descriptor, F_SETFL, 0)
    }

    /// Takes the wake-ups that have come. The loop's thread only.
    func drain() {
        var count: UInt64 = 0
        while read(descriptor, &count, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }

    func close() {
        _ = Glibc.close(descriptor)
    }
}
