import SystemPackage

extension NetworkEventLoop {
    /// Connects to a TCP port of a host, or takes over a socket that is connected already, and returns when
    /// `connectionMade` was called.
    ///
    /// ```swift
    /// let (transport, client) = try await loop.createConnection(host: "localhost", port: 8080) { Client() }
    /// ```
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - port: the port.
    ///   - socket: a connected stream socket instead of host and port; the transport owns it from here on.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - localAddress: the address to connect from: one of this host's, with port 0 for any.
    ///   - happyEyeballsDelay: how long an attempt may take before the next address is tried beside it (RFC
    ///     8305; 250 ms is its advice); `nil` tries one address after the other.
    ///   - interleave: how many addresses of the first family come before one of another family; 0 keeps the
    ///     resolver's order. `nil` is 1 with a delay, and 0 without.
    ///   - allErrors: when every address fails, throw all the reasons also where they are alike.
    ///   - tls: encrypts the connection: a context for clients, of ProactorTLS or your own.
    ///   - serverName: with `tls`, whom the peer's certificate has to name; `nil` is the host, and has to be given with a socket.
    ///   - tlsHandshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called once the connection stands.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a socket together with anything that is about
    ///   addresses, for a socket that is not connected, and for neither a socket nor a host and port;
    ///   ``EventLoopError/invalidState(_:)`` for a socket that is in use already; ``SocketError``, or ``ConnectionError`` when addresses fail for different
    ///   reasons; ``ResolutionError``, `CancellationError`, ``EventLoopError/closed``, what the factory throws.
    nonisolated(nonsending) public func createConnection<Protocol: ConnectionProtocol>(
        host: String? = nil,
        port: UInt16? = nil,
        socket: FileDescriptor? = nil,
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
        let isAboutAddresses =
            host != nil || port != nil || family != nil || localAddress != nil || happyEyeballsDelay != nil
            || interleave != nil
        let endpoint: ConnectionOptions.Endpoint
        switch (socket, host, port) {
        case (let socket?, _, _):
            guard !isAboutAddresses else {
                throw EventLoopError.invalidArgument(
                    "createConnection takes a host and port, or a socket, not both: the socket is connected"
                )
            }
            endpoint = .socket(socket)
        case (nil, let host?, let port?):
            endpoint = .tcp(host: host, port: port)
        case (nil, _, _):
            throw EventLoopError.invalidArgument(
                "createConnection needs a host and a port, or a connected socket"
            )
        }
        var options = ConnectionOptions(endpoint)
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

    /// Connects to a Unix socket, or takes over one that is connected already, and returns when
    /// `connectionMade` was called.
    ///
    /// ```swift
    /// let (transport, client) = try await loop.createUnixConnection(path: "/run/echo.sock") { Client() }
    /// ```
    ///
    /// - Parameters:
    ///   - path: where the server's socket stands in the file system.
    ///   - abstractName: instead of it, a name in Linux's abstract name space.
    ///   - socket: instead of both, a connected Unix stream socket; the transport owns it from here on.
    ///   - tls: encrypts the connection: a context for clients, of ProactorTLS or your own.
    ///   - serverName: with `tls`, whom the peer's certificate has to name; it has to be given here: empty where none is verified.
    ///   - tlsHandshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called once the connection stands.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` unless exactly one of path, name and socket is given,
    ///   for another kind of socket, and for one that is not connected; ``EventLoopError/invalidState(_:)`` for one
    ///   that is in use already;
    ///   ``SocketError``, `CancellationError`, ``EventLoopError/closed``, what the factory throws.
    nonisolated(nonsending) public func createUnixConnection<Protocol: ConnectionProtocol>(
        path: String? = nil,
        abstractName: String? = nil,
        socket: FileDescriptor? = nil,
        tls: (any TLSProvider)? = nil,
        serverName: String? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol) {
        var options: ConnectionOptions
        switch try UnixEndpoint(path, abstractName, socket, in: "createUnixConnection") {
        case .address(let address): options = ConnectionOptions(.unix(address))
        case .socket(let socket): options = ConnectionOptions(.socket(socket))
        }
        options.family = .unix
        options.tls = try TLSOptions(
            tls,
            serverName: serverName,
            handshakeTimeout: tlsHandshakeTimeout,
            shutdownTimeout: tlsShutdownTimeout
        )
        return try await createConnection(options, protocolFactory: protocolFactory)
    }
}
