import SystemPackage

extension NetworkEventLoop {
    /// Opens a UDP endpoint, or takes over a datagram socket, and returns when `connectionMade` was called.
    ///
    /// ```swift
    /// let (server, _) = try await loop.createDatagramEndpoint(localAddress: ("127.0.0.1", 9000)) { Echo() }
    /// let (client, _) = try await loop.createDatagramEndpoint(remoteAddress: ("127.0.0.1", 9000)) { Client() }
    /// ```
    ///
    /// - Parameters:
    ///   - localAddress: the address to bind to; an empty host is every interface, and port 0 any port.
    ///   - remoteAddress: whom to send to; nothing is received from anybody else, unless `allowBroadcast`.
    ///   - socket: a datagram socket instead of both; the transport owns it from here on.
    ///   - family: only addresses of this family; `nil` takes all. Without any address it says what to open.
    ///   - reusePort: share the port with other endpoints that ask for the same.
    ///   - allowBroadcast: allow sending to a broadcast address. With a remote address the endpoint is not
    ///     connected to it then, so that answers from everywhere reach it.
    ///   - protocolFactory: called once the socket stands.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a socket together with anything else, for another
    ///   kind of socket, for neither address, family nor socket, and for addresses that have no family in
    ///   common; ``EventLoopError/invalidState(_:)`` for a socket that is in use already; ``SocketError`` with
    ///   the errno and the address, ``ResolutionError``, `CancellationError`, ``EventLoopError/closed``, what the
    ///   factory throws.
    nonisolated(nonsending) public func createDatagramEndpoint<Protocol: DatagramProtocol>(
        localAddress: (host: String, port: UInt16)? = nil,
        remoteAddress: (host: String, port: UInt16)? = nil,
        socket: FileDescriptor? = nil,
        family: AddressFamily? = nil,
        reusePort: Bool = false,
        allowBroadcast: Bool = false,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any DatagramTransport, protocol: Protocol) {
        var options = DatagramOptions(.udp(local: localAddress, remote: remoteAddress))
        if let socket {
            guard localAddress == nil, remoteAddress == nil, family == nil, !reusePort, !allowBroadcast else {
                throw EventLoopError.invalidArgument(
                    "createDatagramEndpoint takes addresses and options, or a socket, not both"
                )
            }
            options.endpoint = .socket(socket)
        }
        options.family = family
        options.reusePort = reusePort
        options.allowBroadcast = allowBroadcast
        return try await createDatagramEndpoint(options, protocolFactory: protocolFactory)
    }

    /// Opens a Unix datagram endpoint, and returns when `connectionMade` was called.
    ///
    /// A socket that was left at the local path is replaced. One that is open, and any other file there, is refused
    /// with `EADDRINUSE`. The path stays when the endpoint closes.
    ///
    /// ```swift
    /// let (log, _) = try await loop.createUnixDatagramEndpoint(remoteAddress: .unix(path: "/dev/log")) { Log() }
    /// ```
    ///
    /// - Parameters:
    ///   - localAddress: the path or abstract name to bind to; without it nobody can answer.
    ///   - remoteAddress: whom to send to; nothing is received from anybody else.
    ///   - permissions: what the file at the local path permits, whatever the process's mask is, and before anybody can
    ///     send: that takes the permission to write. `nil` leaves it to the mask.
    ///   - protocolFactory: called once the socket stands.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for an address that is no Unix socket's, and for permissions
    ///   without a local path;
    ///   ``SocketError`` with the errno and the path, `CancellationError`, ``EventLoopError/closed``, what the
    ///   factory throws.
    nonisolated(nonsending) public func createUnixDatagramEndpoint<Protocol: DatagramProtocol>(
        localAddress: SocketAddress? = nil,
        remoteAddress: SocketAddress? = nil,
        permissions: FilePermissions? = nil,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any DatagramTransport, protocol: Protocol) {
        var options = DatagramOptions(.unix(local: localAddress, remote: remoteAddress))
        options.permissions = permissions
        return try await createDatagramEndpoint(options, protocolFactory: protocolFactory)
    }
}
