import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func createServer(
        _ options: ServerOptions,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server {
        try checkUsable("createServer")
        let listeners =
            switch options.endpoint {
            case .tcp(let hosts, let port): try await bindAll(hosts: hosts, port: port, options)
            case .unix(let address): [try bindUnix(address, options)]
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
        let server = Server(loop: self, listeners: listeners, protocolFactory: protocolFactory)
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
        port: UInt16,
        _ options: ServerOptions
    ) async throws -> [Listener] {
        var addresses: [SocketAddress] = []
        if hosts.isEmpty {
            addresses = [.ipv4(.any, port: port), .ipv6(.any, port: port)]
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

    /// Binds every address that this machine has, or none.
    private func bindEach(_ addresses: [SocketAddress], _ options: ServerOptions) throws -> [Listener] {
        var listeners: [Listener] = []
        var failure: (any Error)? = EventLoopError.invalidArgument("no address to listen on")
        for address in addresses {
            switch Result(catching: { () throws(SocketError) in try bindTCP(address, options) }) {
            case .success(let listener):
                listeners.append(listener)
                failure = nil
            case .failure(let error) where error.isAboutMissingAddress:
                // A machine without IPv6, or a name with an address that is not this machine's: the others will do.
                if listeners.isEmpty { failure = error }
            case .failure(let error):
                for listener in listeners { listener.close() }
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
            try? backend.system.close(socket)
            throw error
        }
        return Listener(loop: self, socket: socket, backlog: options.backlog)
    }

    // MARK: - Unix

    private func bindUnix(_ address: SocketAddress, _ options: ServerOptions) throws -> Listener {
        try checkIsUnix(address)
        try removeStaleSocket(at: address)
        let socket = try makeSocket(.unix, .stream, for: address)
        do {
            try bind(socket, to: address)
        } catch {
            try? backend.system.close(socket)
            throw error
        }
        var ownedFile: (path: String, identity: FileIdentity)?
        if options.cleanupSocket, case .unix(let path) = address {
            ownedFile = (try? backend.system.identity(ofFileAt: path)).flatMap { $0 }.map { (path, $0) }
        }
        return Listener(loop: self, socket: socket, backlog: options.backlog, ownedFile: ownedFile)
    }

    func checkIsUnix(_ address: SocketAddress) throws(EventLoopError) {
        guard address.family != .unix else { return }
        throw .invalidArgument("\(address) is not a Unix socket's address")
    }

    /// A socket that an earlier server left behind would make every later bind fail; anything else is not ours to remove.
    func removeStaleSocket(at address: SocketAddress) throws(SocketError) {
        guard case .unix(let path) = address else { return }
        do {
            guard let found = try backend.system.identity(ofFileAt: path), found.isSocket else { return }
            try backend.system.removeFile(at: path)
        } catch {
            throw SocketError(.inspect, error, address: address)
        }
    }

    // MARK: - Sockets

    private func adoptListener(_ socket: FileDescriptor, _ options: ServerOptions) throws -> Listener {
        try checkStreamSocket(socket, family: options.family)
        return Listener(loop: self, socket: socket, backlog: options.backlog, isGiven: true)
    }

    /// Refuses what is in use already, is not a stream socket, or is of another family than `family`, and makes the rest as
    /// the backend needs it.
    func checkStreamSocket(_ socket: FileDescriptor, family: AddressFamily? = nil) throws {
        try descriptors.checkFree(socket)
        do {
            let type = try backend.system.option(.socketType, of: socket)
            guard SocketType(rawValue: type) == .stream else {
                throw EventLoopError.invalidArgument("socket \(socket.rawValue) is not a stream socket")
            }
            if let family {
                let found = try backend.system.option(.addressFamily, of: socket)
                guard AddressFamily(rawValue: found) == family else {
                    throw EventLoopError.invalidArgument(
                        "socket \(socket.rawValue) is not of the family \(family)"
                    )
                }
            }
            try backend.system.adopt(socket)
            // As for the sockets of this library's own making. A Unix socket has no such option, and needs none.
            try? backend.system.setOption(.noDelay, to: 1, on: socket)
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
            return try backend.system.makeSocket(family, type, protocolNumber: protocolNumber)
        } catch {
            throw SocketError(.makeSocket, error, address: address)
        }
    }

    func set(
        _ option: SocketOption,
        on socket: FileDescriptor,
        _ address: SocketAddress?
    ) throws(SocketError) {
        do { try backend.system.setOption(option, to: 1, on: socket) } catch {
            throw SocketError(.setOption, error, address: address)
        }
    }

    func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(SocketError) {
        do { try backend.system.bind(socket, to: address) } catch {
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
