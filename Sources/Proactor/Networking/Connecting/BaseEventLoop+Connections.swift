import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func createConnection<Protocol: ConnectionProtocol>(
        _ options: ConnectionOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol) {
        try checkMayBegin("createConnection")
        try options.check()
        // Before anything is connected to: a context may be of no use.
        var tls = try options.tls.map {
            try TLSStart($0, engine: $0.makeEngine(.client, host: options.host), side: .client)
        }
        let socket: FileDescriptor
        switch options.endpoint {
        case .tcp(let host, let port):
            socket = try await connectTCP(host: host, port: .number(port), options)
        case .service(let host, let name):
            socket = try await connectTCP(host: host, port: ServicePort(name), options)
        case .unix(let address):
            socket = try await connectUnix(address, options)
        case .socket(let given):
            try checkStreamSocket(given, family: options.family, needsPeer: true)
            let started = try startTransport(on: given, isGiven: true, tls.take(), protocolFactory)
            return try await whenOpen(started)
        }
        guard !Task.isCancelled else {
            // It has come all the same, and nobody wants it.
            closeUnclaimed(socket)
            throw CancellationError()
        }
        let started = try startTransport(on: socket, isGiven: false, tls.take(), protocolFactory)
        return try await whenOpen(started)
    }

    nonisolated(nonsending) public func connectAcceptedSocket<Protocol: ConnectionProtocol>(
        _ socket: FileDescriptor,
        tls: TLSOptions?,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol) {
        try checkMayBegin("connectAcceptedSocket")
        var start = try tls.map { try TLSStart($0, engine: $0.makeEngine(.server), side: .server) }
        try checkStreamSocket(socket, needsPeer: true)
        let started = try startTransport(on: socket, isGiven: true, start.take(), protocolFactory)
        return try await whenOpen(started)
    }

    /// A transport for the socket, and TLS over it where that is wanted.
    private func startTransport<Protocol: ConnectionProtocol>(
        on socket: FileDescriptor,
        isGiven: Bool,
        _ tls: TLSStart?,
        _ protocolFactory: () throws -> Protocol
    ) throws -> (transport: any Transport, protocol: Protocol) {
        guard let tls else { return try startTransport(on: socket, isGiven: isGiven, protocolFactory) }
        let connectionProtocol = try makeProtocol(for: socket, by: protocolFactory)
        let transport = tls.makeTransport(for: connectionProtocol, on: self)
        _ = try startTransport(on: socket, isGiven: isGiven) { transport }
        return (transport, connectionProtocol)
    }

    /// The same again, once the handshake is done where there is one.
    nonisolated(nonsending) private func whenOpen<Protocol>(
        _ started: (transport: any Transport, protocol: Protocol)
    ) async throws -> (transport: any Transport, protocol: Protocol) {
        try await (started.transport as? TLSTransport)?.untilOpen()
        return started
    }

    private func startTransport<Protocol: ConnectionProtocol>(
        on socket: FileDescriptor,
        isGiven: Bool,
        _ protocolFactory: () throws -> Protocol
    ) throws -> (transport: any Transport, protocol: Protocol) {
        let connectionProtocol = try makeProtocol(for: socket, by: protocolFactory)
        let transport = StreamSocketTransport(
            loop: self,
            socket: socket,
            connectionProtocol: connectionProtocol
        )
        transport.mayLinger = isGiven
        transport.start()
        return (transport, connectionProtocol)
    }

    /// A protocol whose transport takes the descriptor over next. When the factory throws, nobody is left who would close it.
    func makeProtocol<Protocol>(
        for descriptor: FileDescriptor,
        by protocolFactory: () throws -> Protocol
    ) throws -> Protocol {
        unclaimed.remove(descriptor)
        do { return try protocolFactory() } catch {
            try? system.close(descriptor)
            throw error
        }
    }

    // MARK: - Connecting

    nonisolated(nonsending) private func connectTCP(
        host: String,
        port: ServicePort,
        _ options: ConnectionOptions
    ) async throws -> FileDescriptor {
        var addresses = try await resolve(host: host, port: port, options)
        let firstFamilyCount = options.interleave ?? (options.happyEyeballsDelay == nil ? 0 : 1)
        if firstFamilyCount > 0 {
            addresses = AddressOrder.interleaved(addresses, firstFamilyCount: firstFamilyCount)
        }
        var localAddresses: [SocketAddress]?
        if let local = options.localAddress {
            localAddresses = try await resolve(host: local.host, port: .number(local.port), options)
        }
        do {
            guard let delay = options.happyEyeballsDelay, addresses.count > 1 else {
                return try await connectInTurn(to: addresses, from: localAddresses, options)
            }
            return try await ConnectionRace(loop: self, addresses: addresses, delay: delay) {
                [localAddresses] address in
                try await self.connect(to: address, from: localAddresses, options)
            } discard: { socket in
                self.closeUnclaimed(socket)
            }.run()
        } catch let failure as ConnectionError {
            // What all of them have in common says enough.
            if options.allErrors || Set(failure.reasons.map(\.errno)).count > 1 { throw failure }
            throw failure.reasons[0]
        }
    }

    nonisolated(nonsending) private func resolve(
        host: String,
        port: ServicePort,
        _ options: ConnectionOptions
    ) async throws -> [SocketAddress] {
        try await resolve(
            host: host,
            port: port,
            family: options.family,
            protocolNumber: options.protocolNumber,
            flags: options.flags
        )
    }

    nonisolated(nonsending) private func connectInTurn(
        to addresses: [SocketAddress],
        from localAddresses: [SocketAddress]?,
        _ options: ConnectionOptions
    ) async throws -> FileDescriptor {
        var reasons: [SocketError] = []
        for address in addresses {
            do {
                return try await connect(to: address, from: localAddresses, options)
            } catch let error as SocketError {
                reasons.append(error)
            }
        }
        throw ConnectionError(reasons: reasons)
    }

    nonisolated(nonsending) private func connectUnix(
        _ address: SocketAddress,
        _ options: ConnectionOptions
    ) async throws -> FileDescriptor {
        try checkIsUnix(address)
        do { return try await connect(to: address, from: nil, options) } catch let error as SocketError
            where options.allErrors
        {
            throw ConnectionError(reasons: [error])
        }
    }

    /// One attempt. Cancelling the task ends it and leaves no socket behind, and so does closing the loop. The socket that
    /// it returns is unclaimed.
    nonisolated(nonsending) private func connect(
        to address: SocketAddress,
        from localAddresses: [SocketAddress]?,
        _ options: ConnectionOptions
    ) async throws -> FileDescriptor {
        let socket = try makeSocket(
            address.family,
            .stream,
            for: address,
            protocolNumber: options.protocolNumber
        )
        unclaimed.insert(socket)
        do {
            if let localAddresses { try bindToFirst(of: localAddresses, socket, for: address) }
            if address.family != .unix { try set(.noDelay, on: socket, address) }
            try await connectSocket(socket, to: address)
        } catch {
            closeUnclaimed(socket)
            throw error
        }
        return socket
    }

    func closeUnclaimed(_ socket: FileDescriptor) {
        unclaimed.remove(socket)
        backend.submit(.close(socket), owner: nil)
    }

    nonisolated(nonsending) func connectSocket(
        _ socket: FileDescriptor,
        to address: SocketAddress
    ) async throws {
        let result = try await connectResult(socket, to: address)
        // Connected or not, who cancelled does not want it.
        try checkCancellation()
        if result < 0 { throw SocketError(.connect, Errno(rawValue: -result), address: address) }
    }

    private func bindToFirst(
        of localAddresses: [SocketAddress],
        _ socket: FileDescriptor,
        for address: SocketAddress
    ) throws(SocketError) {
        var failure = SocketError(.bind, .addressNotAvailable, address: localAddresses.first)
        for local in localAddresses where local.family == address.family {
            do {
                try bind(socket, to: local)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }
}
