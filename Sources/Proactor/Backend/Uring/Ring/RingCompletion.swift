import CUring
import Glibc

/// A completion as the kernel wrote it.
package typealias RingCompletion = curing_completion

extension RingCompletion {
    /// As an interrupted system call would tell it. A thread of the kernel's that is interrupted within a splice, for one, says
    /// that the call is to be started anew (ERESTARTSYS), which no other system call lets anybody see.
    var withoutRestart: RingCompletion {
        switch result {
        case -512, -513, -514, -516: RingCompletion(user_data: user_data, result: -EINTR, flags: flags)
        default: self
        }
    }

    /// Whether a wait for room found none, and only that the peer has ended its sending: the kernel tells that to every poll.
    var tellsOnlyOfPeersEnd: Bool { Self.tellsOnlyOfPeersEnd(result) }

    static func tellsOnlyOfPeersEnd(_ events: Int32) -> Bool {
        events > 0 && events & Int32(CURING_POLL_PEER_ENDED) != 0
            && events & (POLLOUT | POLLERR | POLLHUP | POLLNVAL) == 0
    }

    /// Whether the operation goes on.
    var hasMore: Bool { flags & CURING_COMPLETION_MORE != 0 }
    /// Whether it names a provided buffer.
    var hasBuffer: Bool { flags & CURING_COMPLETION_BUFFER != 0 }
    /// Whether the kernel will put more into that buffer.
    var hasMoreInBuffer: Bool { flags & CURING_COMPLETION_BUFFER_MORE != 0 }
    /// The provided buffer's number, when there is one.
    var bufferNumber: UInt16 { UInt16(truncatingIfNeeded: flags >> CURING_COMPLETION_BUFFER_SHIFT) }
}
