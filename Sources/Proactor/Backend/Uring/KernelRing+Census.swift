import CUring

extension KernelRing {
    /// How many receive buffers the kernel has taken and not got back, as it says itself; `nil` where it does not say
    /// (before 6.8). On the ring's thread.
    func missingBufferCount(of group: BufferGroup) -> Int? {
        if group == .datagrams, datagramBuffers == nil { return 0 }
        let count = curing_buffers_missing(buffers(of: group), ring, group.rawValue)
        return count < 0 ? nil : Int(count)
    }

    /// Whether the last wait was not to count as one for a disk.
    var lastWaitHadNoIOWait: Bool { curing_last_enter_flags(ring) & CURING_ENTER_NO_IOWAIT != 0 }
}
