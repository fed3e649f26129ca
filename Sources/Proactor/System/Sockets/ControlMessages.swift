import Glibc

/// The control messages that came with a datagram, in whatever order the kernel has put them.
struct ControlMessages {
    /// As `recvmsg(2)` has left them: heads of type `cmsghdr`, each followed by its data, each aligned.
    let bytes: UnsafeRawBufferPointer

    private static let headSize = MemoryLayout<cmsghdr>.size
    private static let alignment = MemoryLayout<Int>.alignment

    /// The message of that level and type whose data is an integer; `nil` when there is none, or only a part of it.
    func integer(of option: SocketOption) -> Int32? {
        var start = 0
        while bytes.count - start >= Self.headSize {
            let head = bytes.loadUnaligned(fromByteOffset: start, as: cmsghdr.self)
            let length = Int(clamping: head.cmsg_len)
            // One that was cut says how much of it is there. Anything else is no message, and what follows it cannot be found.
            guard length >= Self.headSize, length <= bytes.count - start else { return nil }
            if head.cmsg_level == option.level, head.cmsg_type == option.name {
                guard length >= Self.headSize + MemoryLayout<Int32>.size else { return nil }
                return bytes.loadUnaligned(fromByteOffset: start + Self.headSize, as: Int32.self)
            }
            start += (length + Self.alignment - 1) & ~(Self.alignment - 1)
        }
        return nil
    }
}
