import Glibc
import Proactor

/// How connections come about.
extension HostKernel {
    /// How often the first packet of a connection is sent again, a second after the first time and twice as long each time.
    private static let connectRetriesMax = 6
    private static let unreachableAfter: Int64 = 3_000_000_000
    private static let connectRetry: Int64 = 1_000_000_000

    /// Begins to connect. Returns what connect(2) would say as errno: EINPROGRESS while it goes on.
    func connect(_ socket: StreamSocket, to address: SocketAddress, from process: SimulatedProcess) -> Int32 {
        switch socket.state {
        case .connected: return EISCONN
        case .connecting: return EALREADY
        case .listening: return socket.family == .unix ? EINVAL : EISCONN
        case .closed, .unconnected: break
        }
        guard address.family == socket.family else { return socket.family == .unix ? EINVAL : EAFNOSUPPORT }
        guard socket.family != .unix else { return connectUnix(socket, to: address, from: process) }
        socket.pendingError = 0
        socket.attempt += 1
        socket.state = .connecting
        world.note(.connecting, index, Int64(address.port ?? 0))
        guard let target = world.host(at: address, seenFrom: self) else {
            let attempt = socket.attempt
            world.after(Self.unreachableAfter) {
                if socket.attempt == attempt { self.connectFailed(socket, EHOSTUNREACH) }
            }
            return EINPROGRESS
        }
        if socket.local == nil {
            socket.local = ownAddress(facing: target, socket.family).withPort(takePort())
        }
        knock(Knock(socket: socket, attempt: socket.attempt, target: target, address: address), retries: 0)
        return EINPROGRESS
    }

    /// The address by which `target` sees this host.
    func ownAddress(facing target: HostKernel, _ family: AddressFamily) -> SocketAddress {
        let isLocal = target === self
        return family == .ipv4
            ? .ipv4(isLocal ? .loopback : ipv4, port: 0) : .ipv6(isLocal ? .loopback : ipv6, port: 0)
    }

    private func connectFailed(_ socket: StreamSocket, _ error: Int32) {
        world.note(.refused, index, Int64(error))
        socket.refuse(error)
    }

    /// An attempt to connect that is under way.
    private struct Knock {
        let socket: StreamSocket
        let attempt: Int
        let target: HostKernel
        let address: SocketAddress

        var isWanted: Bool { socket.attempt == attempt && socket.state == .connecting }
    }

    private func knock(_ knock: Knock, retries: Int) {
        guard knock.isWanted else { return }
        let path = world.path(from: self, to: knock.target)
        guard path.isUp, !path.losesPacket() else { return knockAgain(knock, retries) }
        world.events.insert(
            .call { [self] in
                guard knock.isWanted else { return }
                guard path.isUp else { return knockAgain(knock, retries) }
                answer(knock, retries, path)
            },
            at: path.arrival(of: 60)
        )
    }

    private func knockAgain(_ knock: Knock, _ retries: Int) {
        guard retries < Self.connectRetriesMax else {
            world.after(Self.connectRetry << Int64(retries)) { [self] in
                if knock.isWanted { connectFailed(knock.socket, ETIMEDOUT) }
            }
            return
        }
        world.after(Self.connectRetry << Int64(retries)) { [self] in self.knock(knock, retries: retries + 1) }
    }

    /// The first packet has come to the host that it was for.
    private func answer(_ knock: Knock, _ retries: Int, _ there: NetworkPath) {
        let back = world.path(from: knock.target, to: self)
        guard let listener = knock.target.listener(at: knock.address) else {
            world.events.insert(
                .call { [self] in if knock.isWanted { connectFailed(knock.socket, ECONNREFUSED) } },
                at: back.arrival(of: 60)
            )
            return
        }
        guard listener.backlog.count + listener.handshakes <= listener.backlogMax else {
            return knockAgain(knock, retries)
        }
        listener.handshakes += 1
        let server = StreamSocket(host: knock.target, family: knock.socket.family)
        let outgoing = StreamChannel(
            world,
            path: there,
            sendCapacity: knock.socket.sendCapacity,
            receiveCapacity: listener.receiveCapacity
        )
        let incoming = StreamChannel(
            world,
            path: back,
            sendCapacity: listener.sendCapacity,
            receiveCapacity: knock.socket.receiveCapacity
        )
        server.local = knock.address
        server.options = listener.options
        let known = back.arrival(of: 60)
        let made = known + there.latency
        outgoing.holdUntil(made)
        incoming.holdUntil(known)
        world.events.insert(
            .call { [self] in clientLearns(knock, server, listener, incoming, outgoing) },
            at: known
        )
        world.events.insert(.call { serverLearns(server, listener) }, at: made)

        func serverLearns(_ server: StreamSocket, _ listener: StreamSocket) {
            listener.handshakes -= 1
            guard server.state == .connected else { return }
            guard listener.state == .listening else {
                server.resetsAtClose = true
                return server.release(isCrash: false)
            }
            world.note(.accepted, knock.target.index, Int64(knock.address.port ?? 0))
            listener.backlog.append(server)
            listener.changed()
        }
    }

    private func clientLearns(
        _ knock: Knock,
        _ server: StreamSocket,
        _ listener: StreamSocket,
        _ incoming: StreamChannel,
        _ outgoing: StreamChannel
    ) {
        guard knock.isWanted, isUp else { return }
        world.note(.connected, index, Int64(knock.address.port ?? 0))
        let local = knock.socket.local ?? .unixUnnamed
        server.connect(incoming: outgoing, outgoing: incoming, to: local)
        knock.socket.connect(incoming: incoming, outgoing: outgoing, to: knock.address)
    }

    // MARK: - Unix sockets

    private func connectUnix(
        _ socket: StreamSocket,
        to address: SocketAddress,
        from process: SimulatedProcess
    ) -> Int32 {
        let listener: StreamSocket
        switch unixSocket(at: address) {
        case .failure(let failure): return failure.errno
        case .success(let found):
            guard let found = found as? StreamSocket else { return EPROTOTYPE }
            guard found.state == .listening else { return ECONNREFUSED }
            listener = found
        }
        guard listener.backlog.count <= listener.backlogMax else { return EAGAIN }
        let server = StreamSocket(host: self, family: .unix)
        server.local = listener.local
        server.credentials = listener.credentials
        Self.join(server, socket, world)
        socket.remote = address
        server.remote = socket.local ?? .unixUnnamed
        server.peerCredentials = PeerCredentials(processID: process.pid, userID: 0, groupID: 0)
        socket.peerCredentials = listener.credentials
        listener.backlog.append(server)
        listener.changed()
        return 0
    }

    /// Connects two Unix sockets.
    static func join(_ left: StreamSocket, _ right: StreamSocket, _ world: SimulatedWorld) {
        func channel() -> StreamChannel {
            StreamChannel(world, path: nil, sendCapacity: 212_992, receiveCapacity: 212_992)
        }
        let (one, other) = (channel(), channel())
        left.connect(incoming: one, outgoing: other, to: .unixUnnamed)
        right.connect(incoming: other, outgoing: one, to: .unixUnnamed)
    }

    // MARK: - Datagrams

    /// Sends a datagram away. Returns an errno when it cannot be sent.
    func send(
        _ datagram: DatagramSocket.Datagram,
        from socket: DatagramSocket,
        to address: SocketAddress
    ) -> Int32? {
        guard let target = world.host(at: address, seenFrom: self) else { return ENETUNREACH }
        let path = world.path(from: self, to: target)
        var datagram = datagram
        datagram.source = ownAddress(facing: target, socket.family).withPort(socket.local?.port ?? 0)
        guard !path.losesPacket(), path.isUp else {
            world.note(.datagramLost, index, Int64(datagram.bytes.count))
            return nil
        }
        let copies = !path.isLocal && world.choices.happens(.packetDuplication) ? 2 : 1
        if copies > 1 { world.note(.datagramDoubled, index, Int64(datagram.bytes.count)) }
        for _ in 0..<copies {
            var time = path.arrival(of: datagram.bytes.count + 28)
            if path.isLocal || !world.choices.happens(.packetReordering) {
                time = path.inOrder(time)
            }
            world.events.insert(
                .call { [self] in
                    guard path.isUp else { return }
                    deliver(datagram, from: socket, to: address, on: target)
                },
                at: time
            )
        }
        return nil
    }

    private func deliver(
        _ datagram: DatagramSocket.Datagram,
        from sender: DatagramSocket,
        to address: SocketAddress,
        on target: HostKernel
    ) {
        if let socket = target.datagramSocket(at: address) { return socket.take(datagram) }
        let latency = world.path(from: target, to: self).latency
        world.after(latency) { sender.unreachable(ECONNREFUSED, at: address) }
    }
}

extension StreamSocket {
    /// Linux keeps twice what is asked for, and gives half of it to bytes.
    fileprivate var sendCapacity: Int { max(Int(options[.sendBufferSize] ?? 87_380), 2_304) }
    fileprivate var receiveCapacity: Int { max(Int(options[.receiveBufferSize] ?? 131_072), 2_304) }
}
