import CPosix
import Glibc
import Proactor
import SystemPackage

/// ``SystemCalls`` of a simulated process.
///
/// `@unchecked Sendable`: the simulation's thread alone uses it; an executor's work runs there too.
final class SimulatedSystemCalls: SystemCalls, @unchecked Sendable {
    private let process: SimulatedProcess
    let processes: any ProcessCalls
    let unixSockets: any UnixSocketCalls
    let direct: any DirectCalls

    init(process: SimulatedProcess) {
        self.process = process
        processes = SimulatedProcessCalls(process: process)
        unixSockets = SimulatedUnixSocketCalls(process: process)
        direct = SimulatedDirectCalls(process: process)
    }

    private var host: HostKernel { process.host }

    func now() -> LoopInstant { process.world.instant }

    // MARK: - Sockets

    func makeSocket(
        _ family: AddressFamily,
        _ type: SocketType,
        protocolNumber: Int32
    ) throws(Errno) -> FileDescriptor {
        switch type {
        case .stream:
            let socket = StreamSocket(host: host, family: family)
            socket.credentials = PeerCredentials(processID: process.pid, userID: 0, groupID: 0)
            return try process.open(socket)
        case .datagram:
            return try process.open(DatagramSocket(host: host, family: family))
        }
    }

    func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) {
        _ = try address.kernelForm()
        guard let file = process.file(socket) else { throw .badFileDescriptor }
        if let stream = file as? StreamSocket {
            try host.bind(stream, to: address)
        } else if let datagrams = file as? DatagramSocket {
            try host.bind(datagrams, to: address)
        } else {
            throw Errno(rawValue: ENOTSOCK)
        }
    }

    func listen(_ socket: FileDescriptor, backlog: Int32) throws(Errno) {
        let stream = try process.file(socket, as: StreamSocket.self)
        switch stream.state {
        case .listening: break
        case .unconnected:
            if stream.local == nil, stream.family != .unix {
                try host.bind(
                    stream,
                    to: stream.family == .ipv4 ? .ipv4(.any, port: 0) : .ipv6(.any, port: 0)
                )
            }
            guard stream.local != nil else { throw .invalidArgument }
            stream.state = .listening
        case .connecting, .connected, .closed: throw .invalidArgument
        }
        stream.backlogMax = max(Int(backlog), 1)
    }

    func localAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        guard let file = process.file(socket) else { throw .badFileDescriptor }
        if let stream = file as? StreamSocket { return stream.local ?? Self.unbound(stream.family) }
        if let datagrams = file as? DatagramSocket {
            return datagrams.local ?? Self.unbound(datagrams.family)
        }
        throw Errno(rawValue: ENOTSOCK)
    }

    private static func unbound(_ family: AddressFamily) -> SocketAddress {
        switch family {
        case .ipv4: .ipv4(.any, port: 0)
        case .ipv6: .ipv6(.any, port: 0)
        case .unix: .unixUnnamed
        }
    }

    func peerAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        guard let file = process.file(socket) else { throw .badFileDescriptor }
        if let stream = file as? StreamSocket {
            guard stream.state == .connected, let remote = stream.remote else { throw .socketNotConnected }
            return remote
        }
        guard let datagrams = file as? DatagramSocket else { throw Errno(rawValue: ENOTSOCK) }
        guard let remote = datagrams.remote else { throw .socketNotConnected }
        return remote
    }

    func setOption(_ option: SocketOption, to value: Int32, on socket: FileDescriptor) throws(Errno) {
        guard let file = process.file(socket) else { throw .badFileDescriptor }
        if let stream = file as? StreamSocket {
            stream.options[option] = value
            if option == .sendBufferSize { stream.outgoing?.sendCapacity = max(Int(value) * 2, 4_608) }
            if option == .receiveBufferSize { stream.incoming?.receiveCapacity = max(Int(value) * 2, 2_304) }
        } else if let datagrams = file as? DatagramSocket {
            datagrams.options[option] = value
        } else {
            throw Errno(rawValue: ENOTSOCK)
        }
    }

    func option(_ option: SocketOption, of socket: FileDescriptor) throws(Errno) -> Int32 {
        guard let file = process.file(socket) else { throw .badFileDescriptor }
        let (family, type, options): (AddressFamily, SocketType, SocketOptions)
        if let stream = file as? StreamSocket {
            (family, type, options) = (stream.family, .stream, stream.options)
        } else if let datagrams = file as? DatagramSocket {
            (family, type, options) = (datagrams.family, .datagram, datagrams.options)
        } else {
            throw Errno(rawValue: ENOTSOCK)
        }
        switch (option.level, option.name) {
        case (SOL_SOCKET, SO_TYPE): return type.rawValue
        case (SOL_SOCKET, SO_DOMAIN): return family.rawValue
        case (SOL_SOCKET, SO_ERROR): return SocketErrors.take(of: file)
        case (SOL_SOCKET, SO_SNDBUF), (SOL_SOCKET, SO_RCVBUF): return (options[option] ?? 106_496) * 2
        default: return options[option] ?? 0
        }
    }

    /// Nothing is ever joined here.
    func stopJoiningDatagrams(on socket: FileDescriptor) throws(Errno) {
        try setOption(SocketOption(level: Int32(IPPROTO_UDP), name: 104), to: 0, on: socket)
    }

    func streamState(of socket: FileDescriptor) throws(Errno) -> StreamState {
        let stream = try process.file(socket, as: StreamSocket.self)
        switch stream.state {
        case .listening: return .listening
        case .connected: return .connected
        case .unconnected, .connecting, .closed: return .unconnected
        }
    }

    // MARK: - Bytes

    func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer, on socket: FileDescriptor) -> Int {
        let count = process.file(socket)?.write(bytes) ?? -Int(EBADF)
        return count == -Int(EAGAIN) ? 0 : count
    }

    func writeWithoutWaiting(_ bytes: UnsafeRawBufferPointer, to pipe: FileDescriptor) -> Int {
        sendWithoutWaiting(bytes, on: pipe)
    }

    func sendDatagrams(
        _ datagrams: UnsafeBufferPointer<OutgoingDatagram>,
        on socket: FileDescriptor,
        runSizeMax: inout UInt32
    ) -> Int {
        runSizeMax = 0
        guard let target = process.file(socket) as? DatagramSocket else { return -Int(EBADF) }
        for (index, datagram) in datagrams.enumerated() {
            // The caller lends the bytes and the address for the call.
            let bytes = UnsafeRawBufferPointer(start: datagram.bytes, count: Int(datagram.count))
            let address = datagram.address.flatMap {
                SocketAddress(
                    kernelForm: UnsafeRawBufferPointer(start: $0, count: Int(datagram.address_length))
                )
            }
            let isCut = index > 0 && process.world.choices.happens(.shortTransfers)
            let result = isCut ? -Int(EAGAIN) : target.send(bytes, to: address)
            guard result >= 0 else { return index > 0 ? index : result }
        }
        return datagrams.count
    }

    func takeQueuedError(of socket: FileDescriptor) -> QueuedError? {
        guard let datagrams = process.file(socket) as? DatagramSocket,
            let error = datagrams.queuedErrors.popFirst()
        else { return nil }
        datagrams.pendingError = datagrams.queuedErrors.first?.errno ?? 0
        return QueuedError(errno: Errno(rawValue: error.errno), isLocal: false, address: error.address)
    }

    func isReady(_ descriptor: FileDescriptor, for side: Readiness) -> Bool {
        guard let readiness = process.file(descriptor)?.readiness else { return true }
        return readiness.meets(side) || readiness.meets(.hangUp)
    }

    func hasOnlyErrors(_ descriptor: FileDescriptor) -> Bool {
        process.file(descriptor)?.hasOnlyErrors ?? false
    }

    // MARK: - Ends

    func shutdownWriting(_ socket: FileDescriptor) throws(Errno) {
        let stream = try process.file(socket, as: StreamSocket.self)
        let error = stream.shutDownWriting()
        if error != 0 { throw Errno(rawValue: error) }
    }

    func adopt(_ descriptor: FileDescriptor) throws(Errno) {
        guard process.file(descriptor) != nil else { throw .badFileDescriptor }
    }

    func makeTransferPipe() throws(Errno) -> TransferPipe {
        let pipe = try processes.makePipe()
        return TransferPipe(input: pipe.writing, output: pipe.reading, capacity: PipeEnd.capacity)
    }

    /// Nothing waits within a simulated call.
    func exchangeSendTimeout(of socket: FileDescriptor, microseconds: Int64) throws(Errno) -> Int64 { 0 }

    func checkCanBeWatched(_ descriptor: FileDescriptor) throws(Errno) {
        guard let file = process.file(descriptor) else { throw .badFileDescriptor }
        guard file.canBeWatched else { throw .notPermitted }
    }

    /// No simulated close waits.
    func stopLingering(_ descriptor: FileDescriptor) {}

    func resetConnection(_ socket: FileDescriptor) {
        (process.file(socket) as? StreamSocket)?.resetsAtClose = true
    }

    func close(_ descriptor: FileDescriptor) throws(Errno) {
        let error = process.close(descriptor)
        if error != 0 { throw Errno(rawValue: error) }
    }

    func closeElsewhere(_ descriptor: FileDescriptor) {
        _ = process.close(descriptor)
    }

    // MARK: - Names

    func addressInfo(_ query: AddressQuery) throws(ResolutionError) -> [AddressInfo] {
        try process.world.names.addressInfo(query, on: host)
    }

    func nameInfo(
        of address: SocketAddress,
        flags: NameInfoFlags
    ) throws(ResolutionError) -> (host: String, service: String) {
        try process.world.names.nameInfo(of: address, flags, on: host)
    }
}

/// SO_ERROR.
enum SocketErrors {
    static func take(of file: OpenFile) -> Int32 {
        if let end = file as? StreamEnd { return end.takeError() }
        return (file as? DatagramSocket)?.takeError() ?? 0
    }
}
