import SystemPackage

extension NetworkEventLoop {
    /// Listens on a TCP port of one host, or on a socket that is bound already, and makes a protocol for each
    /// connection.
    ///
    /// ```swift
    /// let server = try await loop.createServer(host: "127.0.0.1", port: 8080) { Echo() }
    /// ```
    ///
    /// - Parameters:
    ///   - host: a name or an address; `nil` or empty is every interface, IPv4 and IPv6.
    ///   - port: the port; 0, or `nil` with a host, lets the kernel choose, for each address anew: IPv4 and IPv6
    ///     get different ports then, unless `samePort` is set.
    ///   - socket: a bound stream socket instead of host and port; the server owns it from here on. The file of a
    ///     Unix socket stays where it is: see
    ///     ``createUnixServer(path:abstractName:socket:backlog:cleanupSocket:permissions:startServing:tls:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - backlog: how many connections the kernel may hold that the server has not accepted yet; as many as the system
    ///     permits unless given, see ``ServerOptions/largestBacklog``.
    ///   - reuseAddress: bind although former connections still linger at the address; `nil` is true.
    ///   - reusePort: share the port with other sockets that ask for the same.
    ///   - samePort: with port 0, one port for all addresses.
    ///   - keepAlive: probe silent peers.
    ///   - startServing: accept at once; otherwise only after ``Server/startServing()``.
    ///   - tls: encrypts each connection: a context for servers, of ProactorTLS or your own.
    ///   - tlsHandshakeTimeout: how long a handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long a peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called for each connection.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a socket together with a host, a port or what says how to
    ///   bind, such as `reusePort`, and for neither; ``EventLoopError/invalidState(_:)`` for a socket that is in use
    ///   already; ``SocketError``, ``ResolutionError``, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public func createServer(
        host: String? = nil,
        port: UInt16? = nil,
        socket: FileDescriptor? = nil,
        family: AddressFamily? = nil,
        backlog: Int = ServerOptions.largestBacklog,
        reuseAddress: Bool? = nil,
        reusePort: Bool = false,
        samePort: Bool = false,
        keepAlive: Bool = false,
        startServing: Bool = true,
        tls: (any TLSProvider)? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server {
        let endpoint: ServerOptions.Endpoint
        switch (socket, host != nil || port != nil) {
        case (let socket?, false):
            endpoint = .socket(socket)
        case (nil, true):
            let hosts = host.map { $0.isEmpty ? [] : [$0] } ?? []
            endpoint = .tcp(hosts: hosts, port: port ?? 0)
        case (.some, true):
            throw EventLoopError.invalidArgument(
                "createServer takes a host and port, or a socket, not both: the socket is bound already"
            )
        case (nil, false):
            throw EventLoopError.invalidArgument("createServer needs a port, a host or a socket to listen on")
        }
        var options = ServerOptions(endpoint)
        // Who hands a socket over here, such as a supervisor's, is not asked about its file.
        if socket != nil { options.cleanupSocket = false }
        options.family = family
        options.backlog = Int32(clamping: backlog)
        options.reuseAddressIfSet = reuseAddress
        options.reusePort = reusePort
        options.samePort = samePort
        options.keepAlive = keepAlive
        options.startServing = startServing
        options.tls = try TLSOptions(
            tls,
            handshakeTimeout: tlsHandshakeTimeout,
            shutdownTimeout: tlsShutdownTimeout
        )
        return try await createServer(options, protocolFactory: protocolFactory)
    }

    /// Listens on a TCP port of several hosts: see
    /// ``createServer(host:port:socket:family:backlog:reuseAddress:reusePort:samePort:keepAlive:startServing:tls:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    ///
    /// - Parameters:
    ///   - hosts: names or addresses; none at all is every interface, IPv4 and IPv6.
    ///   - port: the port on each of them; 0 lets the kernel choose, for each address anew unless `samePort` is set.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - backlog: how many connections the kernel may hold that the server has not accepted yet; as many as the system
    ///     permits unless given, see ``ServerOptions/largestBacklog``.
    ///   - reuseAddress: bind although former connections still linger at the address; `nil` is true.
    ///   - reusePort: share the port with other sockets that ask for the same.
    ///   - samePort: with port 0, one port for all addresses.
    ///   - keepAlive: probe silent peers.
    ///   - startServing: accept at once; otherwise only after ``Server/startServing()``.
    ///   - tls: encrypts each connection: a context for servers, of ProactorTLS or your own.
    ///   - tlsHandshakeTimeout: how long a handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long a peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called for each connection.
    /// - Throws: ``SocketError``, ``ResolutionError``, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public func createServer(
        hosts: [String],
        port: UInt16,
        family: AddressFamily? = nil,
        backlog: Int = ServerOptions.largestBacklog,
        reuseAddress: Bool? = nil,
        reusePort: Bool = false,
        samePort: Bool = false,
        keepAlive: Bool = false,
        startServing: Bool = true,
        tls: (any TLSProvider)? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server {
        var options = ServerOptions(.tcp(hosts: hosts, port: port))
        options.family = family
        options.backlog = Int32(clamping: backlog)
        options.reuseAddressIfSet = reuseAddress
        options.reusePort = reusePort
        options.samePort = samePort
        options.keepAlive = keepAlive
        options.startServing = startServing
        options.tls = try TLSOptions(
            tls,
            handshakeTimeout: tlsHandshakeTimeout,
            shutdownTimeout: tlsShutdownTimeout
        )
        return try await createServer(options, protocolFactory: protocolFactory)
    }

    /// Listens on a Unix socket, and makes a protocol for each connection.
    ///
    /// A socket that an earlier server left at the path is replaced. One that is open, and any other file there, is
    /// refused with `EADDRINUSE`.
    ///
    /// ```swift
    /// let server = try await loop.createUnixServer(
    ///     path: "/run/echo.sock", permissions: [.ownerReadWrite, .groupReadWrite]) { Echo() }
    /// ```
    ///
    /// - Parameters:
    ///   - path: where the socket stands in the file system; 107 bytes at most. For a path that is no text use
    ///     ``ServerOptions`` and ``SocketAddress/init(unixPath:)-(FilePath)``.
    ///   - abstractName: instead of it, a name in Linux's abstract name space, which leaves no file behind.
    ///   - socket: instead of both, a bound Unix stream socket; the server owns it from here on.
    ///   - backlog: how many connections the kernel may hold that the server has not accepted yet; as many as the system
    ///     permits unless given, see ``ServerOptions/largestBacklog``.
    ///   - cleanupSocket: remove the path when the server closes, also that of a socket that was given, unless another
    ///     socket stands there by then.
    ///   - permissions: what the socket's file permits, whatever the process's mask is, and before anybody can
    ///     connect: to connect takes the permission to write. `nil` leaves it to the mask. It goes with a path.
    ///   - startServing: accept at once; otherwise only after ``Server/startServing()``.
    ///   - tls: encrypts each connection: a context for servers, of ProactorTLS or your own.
    ///   - tlsHandshakeTimeout: how long a handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long a peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called for each connection.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` unless exactly one of path, name and socket is given,
    ///   for another kind of socket, and for permissions without a path; ``SocketError`` with the errno and the
    ///   path, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public func createUnixServer(
        path: String? = nil,
        abstractName: String? = nil,
        socket: FileDescriptor? = nil,
        backlog: Int = ServerOptions.largestBacklog,
        cleanupSocket: Bool = true,
        permissions: FilePermissions? = nil,
        startServing: Bool = true,
        tls: (any TLSProvider)? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server {
        let address = try UnixEndpoint(path, abstractName, socket, in: "createUnixServer")
        var options: ServerOptions
        switch address {
        case .address(let address): options = ServerOptions(.unix(address))
        case .socket(let socket): options = ServerOptions(.socket(socket))
        }
        options.family = .unix
        options.backlog = Int32(clamping: backlog)
        options.cleanupSocket = cleanupSocket
        options.permissions = permissions
        options.startServing = startServing
        options.tls = try TLSOptions(
            tls,
            handshakeTimeout: tlsHandshakeTimeout,
            shutdownTimeout: tlsShutdownTimeout
        )
        return try await createServer(options, protocolFactory: protocolFactory)
    }
}
