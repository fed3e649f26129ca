import SystemPackage

extension NetworkEventLoop {
    /// Listens, as ``ServerOptions`` says, and serves each connection by a task of its own: asyncio's `start_server`.
    ///
    /// `clientConnected` runs as a task of the loop, with a reader and a writer of the connection. When it throws, the loop's
    /// exception handler hears of it and the connection is closed. It closes the writer when it is done with the connection;
    /// where it returns without, the connection is closed unless somebody else has the writer by then.
    ///
    /// ```swift
    /// let server = try await loop.startServer(ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 8080))) { reader, writer in
    ///     for try await line in reader.lines {
    ///         writer.write(line)
    ///         try await writer.drain()
    ///     }
    ///     writer.close()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - options: where to listen, and how.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    ///   - clientConnected: serves one connection.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less; otherwise as
    ///   ``createServer(_:protocolFactory:)``.
    nonisolated(nonsending) public func startServer(
        _ options: ServerOptions,
        limit: Int = StreamReader.defaultLimit,
        clientConnected: @escaping StreamReaderProtocol.Handler
    ) async throws -> Server {
        try await createServer(
            options,
            protocolFactory: try makeStreamFactory(limit: limit, clientConnected)
        )
    }

    /// Listens on a TCP port of one host, or on a socket that is bound already, and serves each connection by a task of its own:
    /// see ``startServer(_:limit:clientConnected:)``.
    ///
    /// ```swift
    /// let server = try await loop.startServer(host: "127.0.0.1", port: 8080) { reader, writer in
    ///     writer.write(try await reader.readLine())
    ///     writer.close()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - host: a name or an address; `nil` or empty is every interface, IPv4 and IPv6.
    ///   - port: the port; 0, or `nil` with a host, lets the kernel choose.
    ///   - socket: a bound stream socket instead of host and port; the server owns it from here on.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - backlog: how many connections the kernel may hold that the server has not accepted yet.
    ///   - reuseAddress: bind although former connections still linger at the address; `nil` is true.
    ///   - reusePort: share the port with other sockets that ask for the same.
    ///   - samePort: with port 0, one port for all addresses.
    ///   - keepAlive: probe silent peers.
    ///   - startServing: accept at once; otherwise only after ``Server/startServing()``.
    ///   - tls: encrypts each connection: a context for servers, of ProactorTLS or your own.
    ///   - tlsHandshakeTimeout: how long a handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long a peer's answer to a close may take; `nil` is 30 seconds.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    ///   - clientConnected: serves one connection.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less; otherwise as
    ///   ``createServer(host:port:socket:family:backlog:reuseAddress:reusePort:samePort:keepAlive:startServing:tls:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    nonisolated(nonsending) public func startServer(
        host: String? = nil,
        port: UInt16? = nil,
        socket: FileDescriptor? = nil,
        family: AddressFamily? = nil,
        backlog: Int = 100,
        reuseAddress: Bool? = nil,
        reusePort: Bool = false,
        samePort: Bool = false,
        keepAlive: Bool = false,
        startServing: Bool = true,
        tls: (any TLSProvider)? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        limit: Int = StreamReader.defaultLimit,
        clientConnected: @escaping StreamReaderProtocol.Handler
    ) async throws -> Server {
        try await createServer(
            host: host,
            port: port,
            socket: socket,
            family: family,
            backlog: backlog,
            reuseAddress: reuseAddress,
            reusePort: reusePort,
            samePort: samePort,
            keepAlive: keepAlive,
            startServing: startServing,
            tls: tls,
            tlsHandshakeTimeout: tlsHandshakeTimeout,
            tlsShutdownTimeout: tlsShutdownTimeout,
            protocolFactory: try makeStreamFactory(limit: limit, clientConnected)
        )
    }

    /// Listens on a Unix socket, and serves each connection by a task of its own: see
    /// ``startServer(_:limit:clientConnected:)``.
    ///
    /// - Parameters:
    ///   - path: where the socket stands in the file system; 107 bytes at most.
    ///   - abstractName: instead of it, a name in Linux's abstract name space, which leaves no file behind.
    ///   - socket: instead of both, a bound Unix stream socket; the server owns it from here on.
    ///   - backlog: how many connections the kernel may hold that the server has not accepted yet.
    ///   - cleanupSocket: remove the path when the server closes, unless another socket stands there by then.
    ///   - permissions: what the socket's file permits; `nil` leaves it to the process's mask.
    ///   - startServing: accept at once; otherwise only after ``Server/startServing()``.
    ///   - tls: encrypts each connection: a context for servers, of ProactorTLS or your own.
    ///   - tlsHandshakeTimeout: how long a handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long a peer's answer to a close may take; `nil` is 30 seconds.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    ///   - clientConnected: serves one connection.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less; otherwise as
    ///   ``createUnixServer(path:abstractName:socket:backlog:cleanupSocket:permissions:startServing:tls:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    nonisolated(nonsending) public func startUnixServer(
        path: String? = nil,
        abstractName: String? = nil,
        socket: FileDescriptor? = nil,
        backlog: Int = 100,
        cleanupSocket: Bool = true,
        permissions: FilePermissions? = nil,
        startServing: Bool = true,
        tls: (any TLSProvider)? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        limit: Int = StreamReader.defaultLimit,
        clientConnected: @escaping StreamReaderProtocol.Handler
    ) async throws -> Server {
        try await createUnixServer(
            path: path,
            abstractName: abstractName,
            socket: socket,
            backlog: backlog,
            cleanupSocket: cleanupSocket,
            permissions: permissions,
            startServing: startServing,
            tls: tls,
            tlsHandshakeTimeout: tlsHandshakeTimeout,
            tlsShutdownTimeout: tlsShutdownTimeout,
            protocolFactory: try makeStreamFactory(limit: limit, clientConnected)
        )
    }

    private func makeStreamFactory(
        limit: Int,
        _ clientConnected: @escaping StreamReaderProtocol.Handler
    ) throws -> () throws -> any ConnectionProtocol {
        // Refused here, and not for each connection.
        _ = try StreamReader(limit: limit)
        return { StreamReaderProtocol(try StreamReader(limit: limit), clientConnected: clientConnected) }
    }
}
