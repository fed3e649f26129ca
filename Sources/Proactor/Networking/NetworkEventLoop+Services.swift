/// Ports by the names of their services.
extension NetworkEventLoop {
    /// Listens on the TCP port of a service, such as `http`: see
    /// ``createServer(host:port:socket:family:backlog:reuseAddress:reusePort:samePort:keepAlive:startServing:tls:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    ///
    /// ```swift
    /// let server = try await loop.createServer(host: "127.0.0.1", port: "http-alt") { Echo() }
    /// ```
    ///
    /// - Parameters:
    ///   - host: a name or an address; `nil` or empty is every interface, IPv4 and IPv6.
    ///   - port: a service's name, or a number as text, as `getaddrinfo(3)` takes it.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - backlog: how many connections the kernel may hold that the server has not accepted yet; as many as the system
    ///     permits unless given, see ``ServerOptions/largestBacklog``.
    ///   - reuseAddress: bind although former connections still linger at the address.
    ///   - reusePort: share the port with other sockets that ask for the same.
    ///   - keepAlive: probe silent peers.
    ///   - startServing: accept at once; otherwise only after ``Server/startServing()``.
    ///   - tls: encrypts each connection: a context for servers, of ProactorTLS or your own.
    ///   - tlsHandshakeTimeout: how long a handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long a peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called for each connection.
    /// - Throws: ``ResolutionError``, with ``ResolutionError/Code/serviceUnknown`` for a name that is no service's;
    ///   ``SocketError``, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public func createServer(
        host: String? = nil,
        port: String,
        family: AddressFamily? = nil,
        backlog: Int = ServerOptions.largestBacklog,
        reuseAddress: Bool = true,
        reusePort: Bool = false,
        keepAlive: Bool = false,
        startServing: Bool = true,
        tls: (any TLSProvider)? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server {
        let hosts = host.map { $0.isEmpty ? [] : [$0] } ?? []
        var options = ServerOptions(.service(hosts: hosts, name: port))
        options.family = family
        options.backlog = Int32(clamping: backlog)
        options.reuseAddress = reuseAddress
        options.reusePort = reusePort
        options.keepAlive = keepAlive
        options.startServing = startServing
        options.tls = try TLSOptions(
            tls,
            handshakeTimeout: tlsHandshakeTimeout,
            shutdownTimeout: tlsShutdownTimeout
        )
        return try await createServer(options, protocolFactory: protocolFactory)
    }

    /// Connects to the TCP port of a service of a host, such as `http`: see
    /// ``createConnection(host:port:socket:family:localAddress:happyEyeballsDelay:interleave:allErrors:tls:serverName:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    ///
    /// ```swift
    /// let (transport, client) = try await loop.createConnection(host: "localhost", port: "http") { Client() }
    /// ```
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - port: a service's name, or a number as text, as `getaddrinfo(3)` takes it.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - localAddress: the address to connect from: one of this host's, with port 0 for any.
    ///   - happyEyeballsDelay: how long an attempt may take before the next address is tried beside it.
    ///   - interleave: how many addresses of the first family come before one of another family.
    ///   - allErrors: when every address fails, throw all the reasons also where they are alike.
    ///   - tls: encrypts the connection: a context for clients, of ProactorTLS or your own.
    ///   - serverName: with `tls`, whom the peer's certificate has to name; `nil` is the host.
    ///   - tlsHandshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called once the connection stands.
    /// - Throws: ``ResolutionError``, with ``ResolutionError/Code/serviceUnknown`` for a name that is no service's;
    ///   ``SocketError``, or ``ConnectionError`` when addresses fail for different reasons; `CancellationError`,
    ///   ``EventLoopError/closed``, what the factory throws.
    nonisolated(nonsending) public func createConnection<Protocol: ConnectionProtocol>(
        host: String,
        port: String,
        family: AddressFamily? = nil,
        localAddress: (host: String, port: UInt16)? = nil,
        happyEyeballsDelay: Duration? = nil,
        interleave: Int? = nil,
        allErrors: Bool = false,
        tls: (any TLSProvider)? = nil,
        serverName: String? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol) {
        var options = ConnectionOptions(.service(host: host, name: port))
        options.family = family
        options.localAddress = localAddress
        options.happyEyeballsDelay = happyEyeballsDelay
        options.interleave = interleave
        options.allErrors = allErrors
        options.tls = try TLSOptions(
            tls,
            serverName: serverName,
            handshakeTimeout: tlsHandshakeTimeout,
            shutdownTimeout: tlsShutdownTimeout
        )
        return try await createConnection(options, protocolFactory: protocolFactory)
    }

    /// Opens a UDP endpoint at the port of a service, such as `domain`: see
    /// ``createDatagramEndpoint(localAddress:remoteAddress:socket:family:reusePort:allowBroadcast:protocolFactory:)``.
    ///
    /// ```swift
    /// let (server, _) = try await loop.createDatagramEndpoint(localAddress: ("127.0.0.1", "domain")) { Names() }
    /// ```
    ///
    /// - Parameters:
    ///   - localAddress: the address to bind to; an empty host is every interface, and the port `0` any port.
    ///   - remoteAddress: whom to send to; nothing is received from anybody else.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - protocolFactory: called once the socket stands.
    /// - Throws: ``ResolutionError``, with ``ResolutionError/Code/serviceUnknown`` for a name that is no service's;
    ///   ``EventLoopError/invalidArgument(_:)`` for addresses that have no family in common; ``SocketError``,
    ///   `CancellationError`, ``EventLoopError/closed``, what the factory throws.
    nonisolated(nonsending) public func createDatagramEndpoint<Protocol: DatagramProtocol>(
        localAddress: (host: String, port: String),
        remoteAddress: (host: String, port: String)? = nil,
        family: AddressFamily? = nil,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any DatagramTransport, protocol: Protocol) {
        let remote = remoteAddress.map { (host: $0.host, name: $0.port) }
        let local = (host: localAddress.host, name: localAddress.port)
        var options = DatagramOptions(.service(local: local, remote: remote))
        options.family = family
        return try await createDatagramEndpoint(options, protocolFactory: protocolFactory)
    }

    /// Opens a UDP endpoint that sends to the port of a service, such as `domain`: see
    /// ``createDatagramEndpoint(localAddress:remoteAddress:family:protocolFactory:)``.
    nonisolated(nonsending) public func createDatagramEndpoint<Protocol: DatagramProtocol>(
        remoteAddress: (host: String, port: String),
        family: AddressFamily? = nil,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any DatagramTransport, protocol: Protocol) {
        let remote = (host: remoteAddress.host, name: remoteAddress.port)
        var options = DatagramOptions(.service(local: nil, remote: remote))
        options.family = family
        return try await createDatagramEndpoint(options, protocolFactory: protocolFactory)
    }
}
