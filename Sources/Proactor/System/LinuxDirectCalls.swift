import CPosix
import Glibc
import SystemPackage

/// ``DirectCalls`` on the real kernel.
final class LinuxDirectCalls: DirectCalls {
    func read(_ descriptor: FileDescriptor, into room: UnsafeMutableRawBufferPointer, isSocket: Bool) -> Int {
        Self.retryingInterrupts {
            guard isSocket else {
                return Int(cposix_read_now(descriptor.rawValue, room.baseAddress, UInt64(room.count)))
            }
            let count = recv(descriptor.rawValue, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
            return count < 0 ? -Int(errno) : count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor, isSocket: Bool) -> Int {
        Self.retryingInterrupts {
            guard isSocket else { return Self.writeNow(bytes, to: descriptor) }
            let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
            let count = Glibc.send(descriptor.rawValue, bytes.baseAddress, bytes.count, flags)
            return count < 0 ? -Int(errno) : count
        }
    }

    private static func writeNow(_ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor) -> Int {
        // A write only reads what it is given.
        let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        var vector = iovec(iov_base: base, iov_len: bytes.count)
        return Int(cposix_write_now(descriptor.rawValue, &vector, 1, true))
    }

    func accept(_ listener: FileDescriptor) throws(Errno) -> (socket: FileDescriptor, peer: SocketAddress?)? {
        var address = KernelAddress.blank
        // The pointers live for the call, and the length is a stored property of the same memory.
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            cposix_accept(listener.rawValue, true, pointer, pointer.length)
        }
        guard result >= 0 else {
            if result == -EAGAIN || AcceptFailure.isAboutOneConnection(result) { return nil }
            throw Errno(rawValue: -result)
        }
        let peer = withUnsafeMutablePointer(to: &address) { pointer in
            SocketAddress(kernelForm: UnsafeRawBufferPointer(start: pointer, count: pointer.addressCount))
        }
        return (FileDescriptor(rawValue: result), peer)
    }

    func connect(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        let result = try address.withKernelForm { Glibc.connect(socket.rawValue, $0, $1) < 0 ? errno : 0 }
        switch result {
        case 0, EISCONN: return true
        case EINPROGRESS, EALREADY, EINTR: return false
        default: throw Errno(rawValue: result)
        }
    }

    func copy(_ descriptor: FileDescriptor) throws(Errno) -> FileDescriptor {
        let copy = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw Errno(rawValue: errno) }
        return FileDescriptor(rawValue: copy)
    }

    func takeError(of socket: FileDescriptor) throws(Errno) {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(socket.rawValue, SOL_SOCKET, SO_ERROR, &error, &size) == 0 else {
            throw Errno(rawValue: errno)
        }
        if error != 0 { throw Errno(rawValue: error) }
    }

    private static func retryingInterrupts(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result != -Int(EINTR) { return result }
        }
    }
}
