import CPosix
import Glibc

/// The calls that a selector's operations are made of. Each says what the kernel said: zero or more, else minus errno.
///
/// None of them blocks, also when the descriptor would. A class so that tests can put faults in.
class SocketCalls {
    /// Whether the kernel may be asked not to raise SIGPIPE. Otherwise the signal is held during the call.
    private let usesQuietWrites: Bool

    init(usesQuietWrites: Bool = true) {
        self.usesQuietWrites = usesQuietWrites
    }

    func accept(_ listener: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        // KernelAddress begins with the address itself.
        cposix_accept(listener, true, address, address.length)
    }

    func connect(_ socket: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        // KernelAddress begins with a sockaddr_storage, which is made to be seen as any sockaddr.
        let pointer = UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self)
        return result(Glibc.connect(socket, pointer, address.pointee.length))
    }

    /// SO_ERROR: how a connect that had to wait has ended.
    func takePendingError(_ socket: Int32) -> Int32 {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let status = result(getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size))
        return status < 0 ? status : -error
    }

    /// Whether a socket is connected, as far as its kind tells.
    func hasPeer(_ socket: Int32) -> Bool {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) { pointer in
            // A sockaddr_storage is made to be seen as any sockaddr.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(socket, $0, &length) }
        }
        return status == 0 || errno != ENOTCONN
    }

    func receive(_ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        Int32(cposix_receive(socket, buffer.baseAddress, UInt64(buffer.count), Int32(MSG_DONTWAIT)))
    }

    /// Receives one datagram, or several that the kernel joined, and notes what the kernel says of it.
    func receiveDatagram(
        _ socket: Int32,
        _ buffer: UnsafeMutableRawBufferPointer,
        _ reception: UnsafeMutablePointer<DatagramReception>
    ) -> Int32 {
        reception.prepare()
        var piece = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        // MSG_TRUNC: the datagram's own length, also when it is longer than the buffer.
        let flags = Int32(MSG_DONTWAIT | MSG_TRUNC)
        // The header names the piece for this call only.
        let count = withUnsafeMutablePointer(to: &piece) { piece in
            reception.headerPointer.pointee.msg_iov = piece
            reception.headerPointer.pointee.msg_iovlen = 1
            return recvmsg(socket, reception.headerPointer, flags)
        }
        guard count >= 0 else { return -errno }
        reception.noteHeader()
        return Int32(min(count, buffer.count))
    }

    func receiveMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        result(recvmsg(socket, message, Int32(MSG_DONTWAIT)))
    }

    func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        Int32(cposix_send(socket, bytes.baseAddress, UInt64(bytes.count), Self.sendFlags))
    }

    func sendMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        result(sendmsg(socket, message, Self.sendFlags))
    }

    func sendFile(_ socket: Int32, _ file: Int32, _ offset: Int64, _ count: Int) -> Int32 {
        var offset = offset
        return Int32(cposix_sendfile(socket, file, &offset, UInt64(count)))
    }

    /// Without waiting, as the next two: others may share the pipe, and make it blocking.
    func read(_ pipe: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        Int32(cposix_read_now(pipe, buffer.baseAddress, UInt64(buffer.count)))
    }

    func write(_ pipe: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        // A write only reads what it is given.
        let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        var vector = iovec(iov_base: base, iov_len: bytes.count)
        return Int32(cposix_write_now(pipe, &vector, 1, usesQuietWrites))
    }

    /// Writes what a `msghdr` names.
    func writeVector(_ pipe: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        let count = Int32(message.pointee.msg_iovlen)
        return Int32(cposix_write_now(pipe, message.pointee.msg_iov, count, usesQuietWrites))
    }

    func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }

    func close(_ descriptor: Int32) -> Int32 {
        cposix_close(descriptor)
    }

    private static let sendFlags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)

    /// A transfer is below 2 GiB: the kernel cuts longer ones.
    private func result(_ value: some BinaryInteger) -> Int32 {
        value >= 0 ? Int32(value) : -errno
    }
}
