import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func createDatagramEndpoint<Protocol: DatagramProtocol>(
        _ options: DatagramOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any DatagramTransport, protocol: Protocol) {
        try checkMayBegin("createDatagramEndpoint")
        try options.check()
        let socket =
            switch options.endpoint {
            case .udp(let local, let remote):
                try await openUDP(
                    local.map { ($0.host, .number($0.port)) },
                    remote.map { ($0.host, .number($0.port)) },
                    options
                )
            case .service(let local, let remote):
                try await openUDP(
                    local.map { ($0.host, ServicePort($0.name)) },
                    remote.map { ($0.host, ServicePort($0.name)) },
                    options
                )
            case .unix(let local, let remote): try await openUnix(local, remote, options)
            case .socket(let given): try adoptDatagramSocket(given, options)
            }
        let datagramProtocol = try makeProtocol(for: socket.descriptor, by: protocolFactory)
        let transport = DatagramSocketTransport(
            loop: self,
            socket: socket.descriptor,
            family: socket.family,
            remoteAddress: socket.remote,
            connectedTo: socket.peer,
            datagramProtocol: datagramProtocol
        )
        transport.start()
        return (transport, datagramProtocol)
    }

    // MARK: - UDP

    nonisolated(nonsending) private func openUDP(
        _ local: (host: String, port: ServicePort)?,
        _ remote: (host: String, port: ServicePort)?,
        _ options: DatagramOptions
    ) async throws -> DatagramSocket {
        guard local != nil || remote != nil else {
            guard let family = options.family, family != .unix else {
                throw EventLoopError.invalidArgument(
                    "createDatagramEndpoint needs a local or remote address, a family or a socket"
                )
            }
            return try await open(family, local: nil, remote: nil, options)
        }
        var locals: [SocketAddress] = []
        var remotes: [SocketAddress] = []
        if let local { locals = try await resolveDatagram(local, options, isPassive: true) }
        if let remote { remotes = try await resolveDatagram(remote, options, isPassive: false) }
        var failure: (any Error)?
        for family in AddressOrder.families(of: locals + remotes) {
            let localAddress = locals.first { $0.family == family }
            let remoteAddress = remotes.first { $0.family == family }
            // Both have to be of one family.
            if local != nil, localAddress == nil { continue }
            if remote != nil, remoteAddress == nil { continue }
            do {
                return try await open(family, local: localAddress, remote: remoteAddress, options)
            } catch let error as SocketError {
                failure = failure ?? error
            }
        }
        throw failure
            ?? EventLoopError.invalidArgument("the local and the remote address have no family in common")
    }

    nonisolated(nonsending) private func resolveDatagram(
        _ address: (host: String, port: ServicePort),
        _ options: DatagramOptions,
        isPassive: Bool
    ) async throws -> [SocketAddress] {
        try await resolve(
            host: address.host,
            port: address.port,
            family: options.family,
            type: .datagram,
            protocolNumber: options.protocolNumber,
            flags: options.flags,
            isPassive: isPassive
        )
    }

    // MARK: - Unix

    nonisolated(nonsending) private func openUnix(
        _ local: SocketAddress?,
        _ remote: SocketAddress?,
        _ options: DatagramOptions
    ) async throws -> DatagramSocket {
        for address in [local, remote] {
            if let address { try checkIsUnix(address) }
        }
        return try await open(.unix, local: local, remote: remote, options)
    }

    // MARK: - Sockets

    nonisolated(nonsending) private func open(
        _ family: AddressFamily,
        local: SocketAddress?,
        remote: SocketAddress?,
        _ options: DatagramOptions
    ) async throws -> DatagramSocket {
        let address = local ?? remote
        let descriptor = try makeSocket(
            family,
            .datagram,
            for: address,
            protocolNumber: options.protocolNumber
        )
        var socket = DatagramSocket(descriptor: descriptor, family: family, remote: remote)
        var file: SocketFile?
        // Until the transport has it, which is as soon as this returns: the loop may close meanwhile.
        unclaimed.insert(descriptor)
        do {
            if family != .unix { joinDatagrams(on: descriptor) }
            if options.reusePort { try set(.reusePort, on: descriptor, address) }
            if options.allowBroadcast { try set(.broadcast, on: descriptor, address) }
            if let local {
                file = try await bindUnixPatiently(descriptor, to: local, permissions: options.permissions)
                if let file { unclaimed.insert(file.folder) }
            }
            // Connected to a broadcast address, it would never hear an answer.
            if let remote, !options.allowBroadcast {
                try await connectSocket(descriptor, to: remote)
                // The peer as the kernel names it: of a wildcard address it makes this machine's own.
                socket.peer = (try? system.peerAddress(of: descriptor)) ?? remote
            }
        } catch {
            if let file {
                unclaimed.remove(file.folder)
                file.remove()
            }
            closeUnclaimed(descriptor)
            throw error
        }
        if let file {
            unclaimed.remove(file.folder)
            file.keep()
        }
        unclaimed.remove(descriptor)
        return socket
    }

    /// Where datagrams come thick, the kernel may receive those of one sender as one, which spares each of them its own way
    /// through the network stack; the transport takes them apart. Only on a socket that nobody else has.
    func joinDatagrams(on descriptor: FileDescriptor) {
        guard canTakeJoinedDatagrams else { return }
        // A kernel before 5.0 does not know it, and nothing depends on it.
        try? system.setOption(.joinDatagrams, to: 1, on: descriptor)
    }

    private var canTakeJoinedDatagrams: Bool { backend.datagramSizeMax > Int(UInt16.max) }

    private func adoptDatagramSocket(
        _ descriptor: FileDescriptor,
        _ options: DatagramOptions
    ) throws -> DatagramSocket {
        try descriptors.checkFree(descriptor)
        do {
            let type = try system.option(.socketType, of: descriptor)
            let family = AddressFamily(rawValue: try system.option(.addressFamily, of: descriptor))
            guard SocketType(rawValue: type) == .datagram, let family else {
                throw EventLoopError.invalidArgument(
                    "socket \(descriptor.rawValue) is not a datagram socket of UDP or Unix"
                )
            }
            guard options.family == nil || options.family == family else {
                throw EventLoopError.invalidArgument(
                    "socket \(descriptor.rawValue) is not of the family \(options.family!)"
                )
            }
            try system.adopt(descriptor)
            if family != .unix, !canTakeJoinedDatagrams { try? system.stopJoiningDatagrams(on: descriptor) }
            // One that is not connected has no peer.
            let remote = try? system.peerAddress(of: descriptor)
            return DatagramSocket(
                descriptor: descriptor,
                family: family,
                remote: remote,
                peer: remote
            )
        } catch let errno as Errno {
            throw SocketError(.inspect, errno)
        }
    }
}

/// A datagram socket that is ready for a transport.
struct DatagramSocket {
    let descriptor: FileDescriptor
    let family: AddressFamily
    /// Where it sends, when that is one address.
    var remote: SocketAddress?
    /// Whom the kernel has connected it to, if it has.
    var peer: SocketAddress?
}
