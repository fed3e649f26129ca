extension UringBackend {
    /// Receive buffers that have got lost: the kernel does not have them, and no completion is at work on them. For tests, and
    /// to be asked between turns. Zero where the kernel keeps no account.
    var lostBufferCount: Int {
        guard !isClosed, let ring = ring as? KernelRing else { return 0 }
        return lost(.streams, streamBuffers, ring) + lost(.datagrams, datagramBuffers, ring)
    }

    private func lost(_ group: BufferGroup, _ buffers: ProvidedBuffers?, _ ring: KernelRing) -> Int {
        guard let buffers, let missing = ring.missingBufferCount(of: group) else { return 0 }
        // Of one it may not be known yet whether the kernel kept it.
        return max(missing - (buffers.doubtful >= 0 ? 1 : 0), 0)
    }
}
