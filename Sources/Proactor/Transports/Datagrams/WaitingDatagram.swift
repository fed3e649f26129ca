import Glibc

/// A datagram as `sendmsg(2)` wants it, at a fixed place, while an operation sends it.
final class WaitingDatagram {
    /// A `msghdr` and the one vector that it names.
    private struct Form {
        var header = msghdr()
        var piece = iovec()
    }

    private let form: UnsafeMutablePointer<Form>

    init() {
        form = .allocate(capacity: 1)
        form.initialize(to: Form())
    }

    deinit {
        // Whoever owns this is kept until the operation's final completion, so the kernel is done with the memory.
        form.deallocate()
    }

    /// The header for `datagram`, whose bytes and address stay where they are until the operation is over.
    func header(for datagram: OutgoingDatagram) -> UnsafeMutablePointer<msghdr> {
        // The form does not move, and the offsets are those of its own stored properties.
        let start = UnsafeMutableRawPointer(form)
        let piece = (start + MemoryLayout<Form>.offset(of: \.piece)!).assumingMemoryBound(to: iovec.self)
        let header = (start + MemoryLayout<Form>.offset(of: \.header)!).assumingMemoryBound(to: msghdr.self)
        piece.pointee = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: datagram.bytes),
            iov_len: Int(datagram.count)
        )
        header.pointee = msghdr()
        header.pointee.msg_name = UnsafeMutableRawPointer(mutating: datagram.address)
        header.pointee.msg_namelen = datagram.address_length
        header.pointee.msg_iov = piece
        header.pointee.msg_iovlen = 1
        return header
    }
}
