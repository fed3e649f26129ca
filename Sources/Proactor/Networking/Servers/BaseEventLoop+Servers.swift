import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func createServer(
        _ options: ServerOptions,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server {
        try checkMayBegin("createServer")
        try options.check()
        // A context that is of no use to servers shows here, and not with each connection.
        _ = try options.tls?.makeEngine(.server)
        let listeners =
            switch options.endpoint {
            case .tcp(let hosts, let port): try await bindAll(hosts: hosts, port: .number(port), options)
            case .service(let hosts, let name):
                try await bindAll(hosts: hosts, port: ServicePort(name), options)
            case .unix(let address): [try await bindUnix(address, options)]
            case .socket(let socket): [try adoptListener(socket, options)]
            }
        return try makeServer(listeners, options, protocolFactory)
    }

    /// A server at exactly these TCP addresses, for a group of loops that share them.
    func createServer(
        at addresses: [SocketAddress],
        _ options: ServerOptions,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) throws -> Server {
        try checkUsable("createServer")
        return try makeServer(try bindEach(addresses, options), options, protocolFactory)
    }

    private func makeServer(
        _ listeners: [Listener],
        _ options: ServerOptions,
        _ protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) throws -> Server {
        let server = Server(
            loop: self,
            listeners: listeners,
            options: options,
            protocolFactory: protocolFactory
        )
        guard options.startServing else { return server }
        do {
            try server.startServing()
        } catch {
            server.close()
            throw error
        }
        return server
    }

    // MARK: - TCP

    nonisolated(nonsending) private func bindAll(
        hosts: [String],
        port: ServicePort,
        _ options: ServerOptions
    ) async throws -> [Listener] {
        var (addresses, hosts): ([SocketAddress], [String]) = ([], hosts)
        if hosts.isEmpty {
            switch port {
            case .number(let number): addresses = [.ipv4(.any, port: number), .ipv6(.any, port: number)]
            // Every interface again, when it is looked up.
            case .name: hosts = [""]
            }
        }
        for host in hosts {
            let found = try await resolve(
                host: host,
                port: port,
                family: options.family,
                flags: options.flags,
                isPassive: true
            )
            for address in found {
                if !addresses.contains(address) { addresses.append(address) }
            }
        }
        addresses.removeAll { options.family != nil && $0.family != options.family }
        return try bindEach(addresses, options)
    }

    /// How often another port is tried where one must do for several addresses. As good as always the first does.
    private static let samePortTriesMax = 32

    /// Binds every address that this machine has, or none.
    private func bindEach(_ addresses: [SocketAddress], _ options: ServerOptions) throws -> [Listener] {
        // Held until there is a port that will do: the kernel might choose the same one again.
        var refused: [Listener] = []
        defer { for listener in refused { listener.close() } }
        guard options.samePort, addresses.contains(where: { $0.port == 0 }) else {
            return try bindOnce(addresses, options, &refused)
        }
        var failure = SocketError(.bind, .addressInUse, address: addresses.first)
        for _ in 0..<Self.samePortTriesMax {
            do { return try bindOnce(addresses, options, &refused) } catch let error as SocketError
                where error.errno == .addressInUse && error.address?.port != 0
            {
                // Chosen for the first address, and taken at another.
                failure = error
            }
        }
        throw failure
    }

    /// Binds every address, or none: what had been bound by then is added to `refused`.
    private func bindOnce(
        _ addresses: [SocketAddress],
        _ options: ServerOptions,
        _ refused: inout [Listener]
    ) throws -> [Listener] {
        var listeners: [Listener] = []
        var chosenPort: UInt16?
        var failure: (any Error)? = EventLoopError.invalidArgument("no address to listen on")
        for address in addresses {
            let target = address.port == 0 ? chosenPort.map { address.withPort($0) } ?? address : address
            switch Result(catching: { () throws(SocketError) in try bindTCP(target, options) }) {
            case .success(let listener):
                listeners.append(listener)
                if options.samePort, address.port == 0 { chosenPort = listener.port }
                failure = nil
            case .failure(let error) where error.isAboutMissingAddress:
                // A machine without IPv6, or a name with an address that is not this machine's: the others will do.
                if listeners.isEmpty { failure = error }
            case .failure(let error):
                refused += listeners
                throw error
            }
        }
        if let failure { throw failure }
        return listeners
    }

    private func bindTCP(_ address: SocketAddress, _ options: ServerOptions) throws(SocketError) -> Listener {
        let socket = try makeSocket(address.family, .stream, for: address)
        do {
            if options.reuseAddress { try set(.reuseAddress, on: socket, address) }
            if options.reusePort { try set(.reusePort, on: socket, address) }
            if options.keepAlive { try set(.keepAlive, on: socket, address) }
            // IPv4 has a socket of its own: taking it here too would make the second bind fail.
            if address.family == .ipv6 { try set(.ipv6Only, on: socket, address) }
            // Accepted sockets inherit it, which spares each connection a system call.
            try set(.noDelay, on: socket, address)
            try bind(socket, to: address)
        } catch {
            try? system.close(socket)
            throw error
        }
        return Listener(loop: self, socket: socket, backlog: options.backlog)
    }

    // MARK: - Unix

    nonisolated(nonsending) private func bindUnix(
        _ address: SocketAddress,
        _ options: ServerOptions
    ) async throws -> Listener {
        try checkIsUnix(address)
        let socket = try makeSocket(.unix, .stream, for: address)
        unclaimed.insert(socket)
        var file: SocketFile?
        do {
            file = try await bindUnixPatiently(socket, to: address, permissions: options.permissions)
        } catch {
            closeUnclaimed(socket)
            throw error
        }
        unclaimed.remove(socket)
        if !options.cleanupSocket { file.take()?.keep() }
        return Listener(loop: self, socket: socket, backlog: options.backlog, ownedFile: file)
    }

    // MARK: - Sockets

    private func adoptListener(_ socket: FileDescriptor, _ options: ServerOptions) throws -> Listener {
        try checkStreamSocket(socket, family: options.family)
        if options.keepAlive {
            let family = try? system.option(.addressFamily, of: socket)
            guard family != AddressFamily.unix.rawValue else {
                throw EventLoopError.invalidArgument("the server's option keepAlive is for TCP")
            }
            try set(.keepAlive, on: socket, nil)
        }
        let file = options.cleanupSocket ? try socketFile(of: socket) : nil
        return Listener(loop: self, socket: socket, backlog: options.backlog, isGiven: true, ownedFile: file)
    }

    /// Refuses a stream socket on which nothing can ever come.
    func checkHasPeer(_ socket: FileDescriptor) throws {
        let state: StreamState
        do { state = try system.streamState(of: socket) } catch { throw SocketError(.inspect, error) }
        switch state {
        case .connected:
            return
        case .listening:
            throw EventLoopError.invalidArgument(
                "socket \(socket.rawValue) listens: hand it to createServer, or what it accepts to this call"
            )
        case .unconnected:
            throw EventLoopError.invalidArgument(
                "socket \(socket.rawValue) is not connected: connect it first, by sockConnect for instance"
            )
        }
    }

    /// Refuses what is in use already, is not a stream socket, has no peer where it needs one, or is of another family than
    /// `family`, and makes the rest as the backend needs it.
    func checkStreamSocket(
        _ socket: FileDescriptor,
        family: AddressFamily? = nil,
        needsPeer: Bool = false
    ) throws {
        try descriptors.checkFree(socket)
        do {
            let type = try system.option(.socketType, of: socket)
            guard SocketType(rawValue: type) == .stream else {
                throw EventLoopError.invalidArgument("socket \(socket.rawValue) is not a stream socket")
            }
            if let family {
                let found = try system.option(.addressFamily, of: socket)
                guard AddressFamily(rawValue: found) == family else {
                    throw EventLoopError.invalidArgument(
                        "socket \(socket.rawValue) is not of the family \(family)"
                    )
                }
            }
            if needsPeer { try checkHasPeer(socket) }
            try system.adopt(socket)
            // As for the sockets of this library's own making. A Unix socket has no such option, and needs none.
            try? system.setOption(.noDelay, to: 1, on: socket)
        } catch let errno as Errno {
            throw SocketError(.inspect, errno)
        }
    }

    /// - Parameter address: what the socket is for, if that is known, for the error.
    func makeSocket(
        _ family: AddressFamily,
        _ type: SocketType,
        for address: SocketAddress?,
        protocolNumber: Int32 = 0
    ) throws(SocketError) -> FileDescriptor {
        do {
            return try system.makeSocket(family, type, protocolNumber: protocolNumber)
        } catch {
            throw SocketError(.makeSocket, error, address: address)
        }
    }

    func set(
        _ option: SocketOption,
        on socket: FileDescriptor,
        _ address: SocketAddress?
    ) throws(SocketError) {
        do { try system.setOption(option, to: 1, on: socket) } catch {
            throw SocketError(.setOption, error, address: address)
        }
    }

    func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(SocketError) {
        do { try system.bind(socket, to: address) } catch {
            throw SocketError(.bind, error, address: address)
        }
    }
}

extension SocketError {
    /// Whether the address, or its whole family, does not exist on this machine.
    fileprivate var isAboutMissingAddress: Bool {
        switch errno {
        case .addressFamilyNotSupported, .addressNotAvailable, .protocolNotSupported: true
        default: false
        }
    }
}
