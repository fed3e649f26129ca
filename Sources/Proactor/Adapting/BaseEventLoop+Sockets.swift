import SystemPackage

/// Sockets for another library of this package, which makes, binds and connects them one call at a time. On the loop's thread only.
///
/// A socket is the caller's, who closes it, until a listener, a transport or a connect takes it.
extension BaseEventLoop {
    /// Makes a socket.
    package func openSocket(
        _ family: AddressFamily,
        _ type: SocketType,
        protocolNumber: Int32 = 0
    ) throws(SocketError) -> FileDescriptor {
        let socket = try makeSocket(family, type, for: nil, protocolNumber: protocolNumber)
        if type == .datagram, family != .unix { joinDatagrams(on: socket) }
        return socket
    }

    /// Takes in a socket that came from elsewhere: makes it as the backend needs it.
    package func takeInSocket(_ socket: FileDescriptor) throws(SocketError) {
        do { try system.adopt(socket) } catch { throw SocketError(.inspect, error) }
    }

    /// The same of a socket that a loop has accepted for this one; nothing is to be done where both are of a kind.
    package func takeInSocket(_ socket: FileDescriptor, acceptedBy other: BaseEventLoop) throws(SocketError) {
        guard other !== self, type(of: other.backend) != type(of: backend) else { return }
        try takeInSocket(socket)
    }

    /// Closes a socket that nobody has taken. Any thread.
    package func closeSocket(_ socket: FileDescriptor) {
        try? system.close(socket)
    }

    package func bindSocket(_ socket: FileDescriptor, to address: SocketAddress) throws(SocketError) {
        try bind(socket, to: address)
    }

    /// Removes the file of a Unix socket, whether or not one is open there. Does nothing where there is no file.
    ///
    /// - Throws: `EEXIST` when it is no socket's.
    package func removeSocketFile(at path: [UInt8]) throws(SocketError) {
        let address = SocketAddress(unixPath: path)
        do throws(Errno) {
            guard let place = try SocketPlace(path, by: system) else { return }
            defer { place.close() }
            guard let found = try place.identity() else { return }
            guard found.isSocket else { throw .fileExists }
            try place.remove(found)
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw SocketError(.bind, error, address: address)
        }
    }

    // MARK: - What is known about a socket

    package func localAddress(of socket: FileDescriptor) -> SocketAddress? {
        try? system.localAddress(of: socket)
    }

    package func peerAddress(of socket: FileDescriptor) -> SocketAddress? {
        try? system.peerAddress(of: socket)
    }

    package func family(of socket: FileDescriptor) -> AddressFamily? {
        (try? system.option(.addressFamily, of: socket)).flatMap { AddressFamily(rawValue: $0) }
    }

    package func setOption(_ option: SocketOption, to value: Int32, on socket: FileDescriptor) throws(Errno) {
        if option == .joinDatagrams, value == 0 { return try system.stopJoiningDatagrams(on: socket) }
        try system.setOption(option, to: value, on: socket)
    }

    package func option(_ option: SocketOption, of socket: FileDescriptor) throws(Errno) -> Int32 {
        try system.option(option, of: socket)
    }

    /// An option of any size, as `setsockopt(2)`.
    package func setOption(
        _ option: SocketOption,
        to bytes: UnsafeRawBufferPointer,
        on socket: FileDescriptor
    ) throws(Errno) {
        try system.setOption(option, to: bytes, on: socket)
    }

    /// The same, as `getsockopt(2)`: fills the room, and returns how many bytes there are.
    package func readOption(
        _ option: SocketOption,
        of socket: FileDescriptor,
        into room: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try system.readOption(option, of: socket, into: room)
    }

    // MARK: - What takes a socket

    /// Listens on a bound socket, which it takes over, and hands over what it accepts as it comes: no protocol, no transport. What is handed over is the
    /// taker's to close.
    ///
    /// - Parameter takesLinger: whether accepted sockets may have inherited that they linger at their close.
    package func listen(
        on socket: FileDescriptor,
        backlog: Int32,
        takesLinger: Bool,
        handOver: AcceptedSocketTaker
    ) throws -> Server {
        let listener = Listener(loop: self, socket: socket, backlog: backlog, isGiven: takesLinger)
        let server = Server(
            loop: self,
            listeners: [listener],
            options: ServerOptions(.socket(socket)),
            taker: handOver,
            protocolFactory: { throw EventLoopError.invalidState("connections are handed over") }
        )
        do {
            try server.startServing()
        } catch {
            server.close()
            throw error
        }
        return server
    }

    /// Begins to connect a socket, which is the attempt's until that is over. `whenOver` is called in a later turn, once, unless the
    /// attempt is given up before; the socket is the caller's again then, connected or not.
    package func startConnecting(
        _ socket: FileDescriptor,
        to address: SocketAddress,
        whenOver: @escaping (SocketError?) -> Void
    ) throws(SocketError) -> PendingConnect {
        let form: KernelAddress
        do { form = try address.kernelForm() } catch { throw SocketError(.connect, error, address: address) }
        let operation = ConnectOperation(loop: self, socket: socket, address: address, whenOver: whenOver)
        operation.begin(form)
        return PendingConnect(operation: operation)
    }

    /// A transport for a connected socket, which takes it over. It begins to receive with the turn's end, unless it is paused before.
    package func startStream(
        on socket: FileDescriptor,
        peer: SocketAddress?,
        mayLinger: Bool,
        _ connectionProtocol: any ConnectionProtocol
    ) -> any AdaptedStream {
        let transport = StreamSocketTransport(
            loop: self,
            socket: socket,
            connectionProtocol: connectionProtocol,
            peerAddress: peer
        )
        transport.mayLinger = mayLinger
        transport.start()
        return transport
    }

    /// A transport for a datagram socket, bound or connected as it may be.
    package func startDatagrams(
        on socket: FileDescriptor,
        _ datagramProtocol: any DatagramProtocol
    ) throws(SocketError) -> any AdaptedDatagrams {
        guard let family = family(of: socket) else {
            throw SocketError(.inspect, .addressFamilyNotSupported)
        }
        // One that is not connected has no peer.
        let remote = peerAddress(of: socket)
        let transport = DatagramSocketTransport(
            loop: self,
            socket: socket,
            family: family,
            remoteAddress: remote,
            connectedTo: remote,
            datagramProtocol: datagramProtocol
        )
        transport.start()
        return transport
    }
}

/// Who gets the sockets that a listener accepts.
package struct AcceptedSocketTaker {
    /// Takes one, from the peer that is known. It may pause or close the server.
    let take: (FileDescriptor, SocketAddress?) -> Void
    /// Hears why none can be accepted for now: the listener tries again, and this is told once until it succeeds.
    let failed: (SocketError) -> Void

    package init(
        take: @escaping (FileDescriptor, SocketAddress?) -> Void,
        failed: @escaping (SocketError) -> Void
    ) {
        self.take = take
        self.failed = failed
    }
}
