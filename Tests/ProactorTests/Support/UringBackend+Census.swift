import CUring

@testable import Proactor

extension UringBackend {
    /// Receive buffers that have got lost: the kernel does not have them, and no completion is at work on them. To be asked
    /// between turns, on the loop's thread. Zero where the kernel keeps no account (before 6.8).
    var lostBufferCount: Int {
        guard !isClosed, let ring = ring as? KernelRing else { return 0 }
        return lost(.streams, streamBuffers, ring) + lost(.datagrams, datagramBuffers, ring)
            + lost(.singles, singleBuffers, ring)
    }

    private func lost(_ group: BufferGroup, _ buffers: ProvidedBuffers?, _ ring: KernelRing) -> Int {
        guard let buffers else { return 0 }
        let missing = curing_buffers_missing(ring.buffers(of: group), ring.ring, group.rawValue)
        // Of one it may not be known yet whether the kernel kept it.
        return max(Int(missing) - (buffers.doubtful >= 0 ? 1 : 0), 0)
    }
}
