import CPosix
import Glibc
import SystemPackage

/// ``SystemCalls`` on the real kernel.
final class LinuxSystemCalls: SystemCalls {
    /// Whether sockets are made non-blocking. A ring's are blocking: with O_NONBLOCK the kernel would answer EAGAIN
    /// instead of waiting.
    private let nonBlocking: Bool
    let processes: any ProcessCalls = LinuxProcessCalls()
    let unixSockets: any UnixSocketCalls = LinuxUnixSocketCalls()
    let direct: any DirectCalls = LinuxDirectCalls()

    init(nonBlocking: Bool) {
        self.nonBlocking = nonBlocking
    }

    func now() -> LoopInstant {
        LoopInstant(nanoseconds: cposix_monotonic_nanoseconds())
    }

    func makeSocket(
        _ family: AddressFamily,
        _ type: SocketType,
        protocolNumber: Int32
    ) throws(Errno) -> FileDescriptor {
        let socket = cposix_socket(family.rawValue, type.rawValue, protocolNumber, nonBlocking)
        return FileDescriptor(rawValue: try Errno.check(socket))
    }

    func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) {
        try checkErrno(try address.withKernelForm { Glibc.bind(socket.rawValue, $0, $1) })
    }

    func listen(_ socket: FileDescriptor, backlog: Int32) throws(Errno) {
        try checkErrno(Glibc.listen(socket.rawValue, backlog))
    }

    func localAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        try address { getsockname(socket.rawValue, $0, $1) }
    }

    func peerAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        try address { getpeername(socket.rawValue, $0, $1) }
    }

    func setOption(_ option: SocketOption, to value: Int32, on socket: FileDescriptor) throws(Errno) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        try checkErrno(setsockopt(socket.rawValue, option.level, option.name, &value, size))
    }

    func option(_ option: SocketOption, of socket: FileDescriptor) throws(Errno) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        try checkErrno(getsockopt(socket.rawValue, option.level, option.name, &value, &size))
        return value
    }

    func setOption(_ option: SocketOption, to bytes: UnsafeRawBufferPointer, on socket: FileDescriptor)
        throws(Errno)
    {
        let (level, name, size) = (option.level, option.name, socklen_t(bytes.count))
        try checkErrno(setsockopt(socket.rawValue, level, name, bytes.baseAddress, size))
    }

    func readOption(
        _ option: SocketOption,
        of socket: FileDescriptor,
        into room: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        var size = socklen_t(room.count)
        try checkErrno(getsockopt(socket.rawValue, option.level, option.name, room.baseAddress, &size))
        return Int(size)
    }

    func stopJoiningDatagrams(on socket: FileDescriptor) throws(Errno) {
        try setOption(.joinDatagrams, to: 0, on: socket)
        // Nothing is joined from here on, so what is there now is all that can be.
        var question = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&question, 1, 0) > 0, question.revents & Int16(POLLIN) != 0 else { return }
        try setOption(.joinDatagrams, to: 1, on: socket)
    }

    func streamState(of socket: FileDescriptor) throws(Errno) -> StreamState {
        switch try Errno.check(cposix_stream_state(socket.rawValue)) {
        case CPOSIX_CONNECTED: .connected
        case CPOSIX_LISTENING: .listening
        default: .unconnected
        }
    }

    func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer, on socket: FileDescriptor) -> Int {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        let count = cposix_send(socket.rawValue, bytes.baseAddress, UInt64(bytes.count), flags)
        return count == -Int64(EAGAIN) || count == -Int64(EINTR) ? 0 : Int(count)
    }

    func writeWithoutWaiting(_ bytes: UnsafeRawBufferPointer, to pipe: FileDescriptor) -> Int {
        // A write only reads what it is given, and the vector is for this call.
        let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        var vector = iovec(iov_base: base, iov_len: bytes.count)
        let count = cposix_write_now(pipe.rawValue, &vector, 1, Self.usesQuietWrites)
        return count == -Int64(EAGAIN) || count == -Int64(EINTR) ? 0 : Int(count)
    }

    private static let usesQuietWrites = cposix_has_quiet_writes()

    func sendDatagrams(
        _ datagrams: UnsafeBufferPointer<OutgoingDatagram>,
        on socket: FileDescriptor,
        runSizeMax: inout UInt32
    ) -> Int {
        let count = UInt32(datagrams.count)
        return Int(cposix_send_datagrams(socket.rawValue, datagrams.baseAddress, count, &runSizeMax))
    }

    func takeQueuedError(of socket: FileDescriptor) -> QueuedError? {
        var taken = cposix_queued_error()
        guard cposix_take_queued_error(socket.rawValue, &taken) > 0 else { return nil }
        let address = withUnsafeBytes(of: &taken.address) { bytes in
            SocketAddress(kernelForm: .init(rebasing: bytes.prefix(Int(taken.address_length))))
        }
        return QueuedError(
            errno: taken.error > 0 ? Errno(rawValue: taken.error) : nil,
            isLocal: taken.is_local,
            address: address
        )
    }

    func isReady(_ descriptor: FileDescriptor, for side: Readiness) -> Bool {
        cposix_poll_now(descriptor.rawValue, side == .read ? POLLIN : POLLOUT) != 0
    }

    func hasOnlyErrors(_ descriptor: FileDescriptor) -> Bool {
        ReadyEvents.areOnlyErrors(Int32(cposix_poll_now(descriptor.rawValue, POLLOUT)))
    }

    func shutdownWriting(_ socket: FileDescriptor) throws(Errno) {
        try checkErrno(shutdown(socket.rawValue, Int32(SHUT_WR)))
    }

    func adopt(_ descriptor: FileDescriptor) throws(Errno) {
        try Errno.check(cposix_set_non_blocking(descriptor.rawValue, nonBlocking))
    }

    func makeTransferPipe() throws(Errno) -> TransferPipe {
        var ends: [Int32] = [-1, -1]
        let capacity = try Errno.check(cposix_pipe(&ends, Int32(TransferPipe.wantedCapacity)))
        return TransferPipe(
            input: FileDescriptor(rawValue: ends[1]),
            output: FileDescriptor(rawValue: ends[0]),
            capacity: Int(capacity)
        )
    }

    func exchangeSendTimeout(of socket: FileDescriptor, microseconds: Int64) throws(Errno) -> Int64 {
        var former: Int64 = 0
        try Errno.check(cposix_exchange_send_timeout(socket.rawValue, microseconds, &former))
        return former
    }

    func checkCanBeWatched(_ descriptor: FileDescriptor) throws(Errno) {
        try Errno.check(cposix_check_watchable(descriptor.rawValue))
    }

    func stopLingering(_ descriptor: FileDescriptor) {
        cposix_stop_lingering(descriptor.rawValue)
    }

    func resetConnection(_ socket: FileDescriptor) {
        cposix_reset_connection(socket.rawValue)
    }

    func close(_ descriptor: FileDescriptor) throws(Errno) {
        stopLingering(descriptor)
        try Errno.check(cposix_close(descriptor.rawValue))
    }

    func closeElsewhere(_ descriptor: FileDescriptor) {
        let number = descriptor.rawValue
        do {
            try SystemThread.start(name: "proactor-close") { _ = cposix_close(number) }
        } catch {
            // No thread to be had: it must not leak.
            _ = cposix_close(number)
        }
    }

    // MARK: - Results

    /// For calls that return -1 and set errno.
    private func checkErrno(_ result: Int32) throws(Errno) {
        guard result >= 0 else { throw Errno(rawValue: errno) }
    }

    private func address(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(Errno) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
        }
        try checkErrno(result)
        guard let address = SocketAddress(storage, length: length) else { throw .addressFamilyNotSupported }
        return address
    }
}
