import CUring

/// A completion as the kernel wrote it.
typealias RingCompletion = curing_completion

extension RingCompletion {
    /// Whether the operation goes on.
    var hasMore: Bool { flags & CURING_COMPLETION_MORE != 0 }
    /// Whether it names a provided buffer.
    var hasBuffer: Bool { flags & CURING_COMPLETION_BUFFER != 0 }
    /// Whether the kernel will put more into that buffer.
    var hasMoreInBuffer: Bool { flags & CURING_COMPLETION_BUFFER_MORE != 0 }
    /// The provided buffer's number, when there is one.
    var bufferNumber: UInt16 { UInt16(truncatingIfNeeded: flags >> CURING_COMPLETION_BUFFER_SHIFT) }
}
