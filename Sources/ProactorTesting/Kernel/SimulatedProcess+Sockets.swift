import Glibc
import Proactor
import SystemPackage

/// The calls on sockets that both faces come down to.
extension SimulatedProcess {
    /// The next connection of a listener.
    func accept(
        _ listener: FileDescriptor
    ) -> Result<(descriptor: FileDescriptor, socket: StreamSocket), FailedCallNumber> {
        guard let file = file(listener) else { return .failure(FailedCallNumber(EBADF)) }
        return accept(file)
    }

    /// The same, also of a listener whose descriptor is closed.
    func accept(
        _ file: OpenFile
    ) -> Result<(descriptor: FileDescriptor, socket: StreamSocket), FailedCallNumber> {
        guard let listener = file as? StreamSocket else { return .failure(FailedCallNumber(ENOTSOCK)) }
        guard listener.state == .listening else { return .failure(FailedCallNumber(EINVAL)) }
        guard let socket = listener.backlog.popFirst() else { return .failure(FailedCallNumber(EAGAIN)) }
        do throws(Errno) {
            // The descriptor comes first: without one the connection waits on.
            socket.retain()
            let descriptor = try open(socket)
            socket.release(isCrash: false)
            return .success((descriptor, socket))
        } catch {
            listener.backlog.prepend(socket)
            return .failure(FailedCallNumber(error.rawValue))
        }
    }

    /// What connect(2) would say, as errno.
    func connect(_ socket: FileDescriptor, to address: SocketAddress) -> Int32 {
        guard let file = file(socket) else { return EBADF }
        return connect(file, to: address)
    }

    func connect(_ file: OpenFile, to address: SocketAddress) -> Int32 {
        if (file as? StreamSocket)?.state == .unconnected {
            // The first packet of a connection finds no buffer.
            let shortage = shortage(.resourceShortage, [ENOBUFS])
            guard shortage == 0 else { return shortage }
        }
        if let stream = file as? StreamSocket { return host.connect(stream, to: address, from: self) }
        guard let datagrams = file as? DatagramSocket else { return ENOTSOCK }
        return connect(datagrams, to: address)
    }

    private func connect(_ socket: DatagramSocket, to address: SocketAddress) -> Int32 {
        guard address.family == socket.family else { return EAFNOSUPPORT }
        guard socket.family == .unix else {
            guard let target = world.host(at: address, seenFrom: host) else { return ENETUNREACH }
            if socket.local == nil {
                host.bindSomewhere(socket)
                socket.local = host.ownAddress(facing: target, socket.family).withPort(
                    socket.local?.port ?? 0
                )
            }
            socket.remote = address
            return 0
        }
        switch host.unixSocket(at: address) {
        case .failure(let failure): return failure.errno
        case .success(let found):
            guard let peer = found as? DatagramSocket else { return EPROTOTYPE }
            socket.unixPeer = peer
            socket.remote = address
            return 0
        }
    }

    /// Sends what a `msghdr` names.
    func sendMessage(_ socket: FileDescriptor, _ message: UnsafeMutablePointer<msghdr>) -> Int {
        guard let file = file(socket) else { return -Int(EBADF) }
        return sendMessage(file, message)
    }

    func sendMessage(_ file: OpenFile, _ message: UnsafeMutablePointer<msghdr>) -> Int {
        // The caller's memory is as the kernel wants it: so many pieces at the vector's place.
        let pieces = UnsafeBufferPointer(
            start: message.pointee.msg_iov,
            count: Int(message.pointee.msg_iovlen)
        )
        if let datagrams = file as? DatagramSocket {
            var bytes: [UInt8] = []
            for piece in pieces {
                bytes += UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)
            }
            let address = message.pointee.msg_name.flatMap {
                SocketAddress(
                    kernelForm: UnsafeRawBufferPointer(start: $0, count: Int(message.pointee.msg_namelen))
                )
            }
            return bytes.withUnsafeBytes { datagrams.send($0, to: address) }
        }
        var sent = 0
        for piece in pieces where piece.iov_len > 0 {
            let count = file.write(UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len))
            guard count > 0 else { return sent > 0 ? sent : count }
            sent += count
            guard count == piece.iov_len else { break }
        }
        return sent
    }

    /// Receives what a `msghdr` has room for, into its pieces one after the other.
    func receiveMessage(_ socket: FileDescriptor, _ message: UnsafeMutablePointer<msghdr>) -> Int {
        guard let file = file(socket) else { return -Int(EBADF) }
        return receiveMessage(file, message)
    }

    func receiveMessage(_ file: OpenFile, _ message: UnsafeMutablePointer<msghdr>) -> Int {
        let pieces = UnsafeBufferPointer(
            start: message.pointee.msg_iov,
            count: Int(message.pointee.msg_iovlen)
        )
        message.pointee.msg_flags = 0
        message.pointee.msg_controllen = 0
        guard let datagrams = file as? DatagramSocket else {
            message.pointee.msg_namelen = 0
            guard let first = pieces.first(where: { $0.iov_len > 0 }) else { return 0 }
            return file.read(into: UnsafeMutableRawBufferPointer(start: first.iov_base, count: first.iov_len))
        }
        switch datagrams.receive() {
        case .failure(let failure): return -Int(failure.errno)
        case .success(let datagram):
            let count = Self.scatter(datagram.bytes, over: pieces)
            if count < datagram.bytes.count { message.pointee.msg_flags |= Int32(MSG_TRUNC) }
            if let room = message.pointee.msg_name, let form = try? datagram.source.kernelForm() {
                let length = min(Int(message.pointee.msg_namelen), Int(form.length))
                withUnsafeBytes(of: form.storage) {
                    room.copyMemory(from: $0.baseAddress!, byteCount: length)
                }
                message.pointee.msg_namelen = form.length
            }
            return count
        }
    }

    private static func scatter(_ bytes: [UInt8], over pieces: UnsafeBufferPointer<iovec>) -> Int {
        var done = 0
        for piece in pieces where piece.iov_len > 0 && done < bytes.count {
            let count = min(piece.iov_len, bytes.count - done)
            bytes.withUnsafeBytes {
                piece.iov_base.copyMemory(from: $0.baseAddress! + done, byteCount: count)
            }
            done += count
        }
        return done
    }
}
