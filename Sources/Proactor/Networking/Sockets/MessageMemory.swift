import Glibc

/// A `msghdr` with one stretch of bytes and an address, at a fixed place, for the kernel while an operation is in flight.
final class MessageMemory {
    private struct Parts {
        var header = msghdr()
        var vector = iovec()
        var address: KernelAddress
    }

    private let parts: UnsafeMutablePointer<Parts>
    let pointer: UnsafeMutablePointer<msghdr>

    /// - Parameter bytes: the caller's memory, in its place until the operation is over.
    init(_ bytes: UnsafeRawBufferPointer, _ address: KernelAddress) {
        parts = .allocate(capacity: 1)
        parts.initialize(to: Parts(address: address))
        // The header is the first of the parts, and all of them stay where they are until the end of this object.
        let base = UnsafeMutableRawPointer(parts)
        pointer = base.assumingMemoryBound(to: msghdr.self)
        let vector = base + MemoryLayout<Parts>.offset(of: \.vector)!
        parts.pointee.vector = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
            iov_len: bytes.count
        )
        parts.pointee.header.msg_iov = vector.assumingMemoryBound(to: iovec.self)
        parts.pointee.header.msg_iovlen = 1
        parts.pointee.header.msg_name = base + MemoryLayout<Parts>.offset(of: \.address)!
        parts.pointee.header.msg_namelen = address.length
    }

    /// For receiving: room for any address.
    convenience init(receivingInto bytes: UnsafeMutableRawBufferPointer) {
        self.init(UnsafeRawBufferPointer(bytes), KernelAddress.blank)
    }

    deinit {
        // The operation keeps this object until its final completion, so the kernel is done with the memory.
        parts.deallocate()
    }

    /// Whether the kernel had control messages, for which there is no room here. Descriptors among them it has closed.
    var lacksControlMessages: Bool { parts.pointee.header.msg_flags & Int32(MSG_CTRUNC) != 0 }

    /// The sender's address; `nil` when the kernel gave none.
    var address: SocketAddress? {
        let length = parts.pointee.header.msg_namelen
        guard length > 0 else { return nil }
        return SocketAddress(parts.pointee.address.storage, length: length)
    }
}
