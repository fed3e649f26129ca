import SystemPackage

extension NetworkEventLoop {
    /// Connects a stream, as ``ConnectionOptions`` says, and returns a reader and a writer of it: asyncio's `open_connection`.
    ///
    /// ```swift
    /// var options = ConnectionOptions(.tcp(host: "localhost", port: 8080))
    /// options.happyEyeballsDelay = .milliseconds(250)
    /// let (reader, writer) = try await loop.openConnection(options)
    /// ```
    ///
    /// - Parameters:
    ///   - options: what to connect to, and how.
    ///   - limit: the reader's ``StreamReader/limit``, in bytes.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less; otherwise as
    ///   ``createConnection(_:protocolFactory:)``.
    nonisolated(nonsending) public func openConnection(
        _ options: ConnectionOptions,
        limit: Int = StreamReader.defaultLimit
    ) async throws -> (reader: StreamReader, writer: StreamWriter) {
        let reader = try StreamReader(limit: limit)
        let made = try await createConnection(options) { StreamReaderProtocol(reader) }
        return (reader, StreamWriter(made.transport, made.protocol))
    }

    /// Connects to a TCP port of a host, or takes over a socket that is connected already, and returns a reader and a writer.
    ///
    /// ```swift
    /// let (reader, writer) = try await loop.openConnection(host: "localhost", port: 8080)
    /// ```
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - port: the port.
    ///   - socket: a connected stream socket instead of host and port; the connection owns it from here on.
    ///   - family: only addresses of this family; `nil` takes all.
    ///   - localAddress: the address to connect from: one of this host's, with port 0 for any.
    ///   - happyEyeballsDelay: how long an attempt may take before the next address is tried beside it.
    ///   - interleave: how many addresses of the first family come before one of another family.
    ///   - allErrors: when every address fails, throw all the reasons also where they are alike.
    ///   - tls: encrypts the connection: a context for clients, of ProactorTLS or your own.
    ///   - serverName: with `tls`, whom the peer's certificate has to name; `nil` is the host, and has to be given with a socket.
    ///   - tlsHandshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    ///   - limit: the reader's ``StreamReader/limit``, in bytes.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less; otherwise as
    ///   ``createConnection(host:port:socket:family:localAddress:happyEyeballsDelay:interleave:allErrors:tls:serverName:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    nonisolated(nonsending) public func openConnection(
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
        limit: Int = StreamReader.defaultLimit
    ) async throws -> (reader: StreamReader, writer: StreamWriter) {
        let reader = try StreamReader(limit: limit)
        let made = try await createConnection(
            host: host,
            port: port,
            socket: socket,
            family: family,
            localAddress: localAddress,
            happyEyeballsDelay: happyEyeballsDelay,
            interleave: interleave,
            allErrors: allErrors,
            tls: tls,
            serverName: serverName,
            tlsHandshakeTimeout: tlsHandshakeTimeout,
            tlsShutdownTimeout: tlsShutdownTimeout
        ) { StreamReaderProtocol(reader) }
        return (reader, StreamWriter(made.transport, made.protocol))
    }

    /// Connects to a Unix socket, or takes over one that is connected already, and returns a reader and a writer.
    ///
    /// ```swift
    /// let (reader, writer) = try await loop.openUnixConnection(path: "/run/echo.sock")
    /// ```
    ///
    /// - Parameters:
    ///   - path: where the server's socket stands in the file system.
    ///   - abstractName: instead of it, a name in Linux's abstract name space.
    ///   - socket: instead of both, a connected Unix stream socket; the connection owns it from here on.
    ///   - tls: encrypts the connection: a context for clients, of ProactorTLS or your own.
    ///   - serverName: with `tls`, whom the peer's certificate has to name; it has to be given here: empty where none is verified.
    ///   - tlsHandshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    ///   - limit: the reader's ``StreamReader/limit``, in bytes.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less; otherwise as
    ///   ``createUnixConnection(path:abstractName:socket:tls:serverName:tlsHandshakeTimeout:tlsShutdownTimeout:protocolFactory:)``.
    nonisolated(nonsending) public func openUnixConnection(
        path: String? = nil,
        abstractName: String? = nil,
        socket: FileDescriptor? = nil,
        tls: (any TLSProvider)? = nil,
        serverName: String? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        limit: Int = StreamReader.defaultLimit
    ) async throws -> (reader: StreamReader, writer: StreamWriter) {
        let reader = try StreamReader(limit: limit)
        let made = try await createUnixConnection(
            path: path,
            abstractName: abstractName,
            socket: socket,
            tls: tls,
            serverName: serverName,
            tlsHandshakeTimeout: tlsHandshakeTimeout,
            tlsShutdownTimeout: tlsShutdownTimeout
        ) { StreamReaderProtocol(reader) }
        return (reader, StreamWriter(made.transport, made.protocol))
    }
}
