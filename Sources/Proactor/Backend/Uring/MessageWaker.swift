import CPosix
import CUring
import Glibc
import Synchronization

/// Wakes a ring by a message to it (kernel 6.13): no descriptor of its own and no read to arm again.
final class MessageWaker: LoopWaker {
    private let ringDescriptor: Int32
    private let token: OperationToken
    /// A wake that came while the ring was not enabled yet, and refused it.
    private let missed = Atomic<Bool>(false)

    init(ringDescriptor: Int32, token: OperationToken) {
        self.ringDescriptor = ringDescriptor
        self.token = token
    }

    func wake() {
        guard !deliver() else { return }
        missed.store(true, ordering: .sequentiallyConsistent)
        // Either the ring is enabled by now, or whoever enables it looks at `missed` afterwards.
        _ = deliver()
    }

    /// Whether a wake came before the ring was enabled. Asked once, after that.
    func takeMissed() -> Bool {
        missed.exchange(false, ordering: .sequentiallyConsistent)
    }

    /// Whether the ring took the message; not while it is disabled, nor once it is gone.
    private func deliver() -> Bool {
        var attempts: Int64 = 0
        while true {
            switch -curing_wake_ring(ringDescriptor, token.rawValue) {
            case EINTR, EAGAIN, ENOMEM:
                // Giving up would leave the loop asleep. Memory may be short for long, and who asks all the time brings none.
                attempts += 1
                if attempts < 16 { sched_yield() } else { cposix_sleep(min(attempts, 100) * 10_000) }
            case EBADF, EBADFD:
                return false
            default:
                return true
            }
        }
    }
}
