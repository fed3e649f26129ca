import SystemPackage

/// Connections that are closed in every way out of a scope.
extension NetworkEventLoop {
    /// Connects a stream, as ``ConnectionOptions`` says, runs `body` with a reader and a writer of it, and closes it, also when
    /// `body` throws. It returns when the connection is closed.
    ///
    /// What was written is sent first, for which the peer has to read. A task that is cancelled does not wait for that: the
    /// connection is aborted then.
    ///
    /// ```swift
    /// let answer = try await loop.withConnection(ConnectionOptions(.tcp(host: "localhost", port: 8080))) { reader, writer in
    ///     writer.write("question\n")
    ///     return try await reader.readLine()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - options: what to connect to, and how.
    ///   - limit: the reader's ``StreamReader/limit``, in bytes.
    ///   - body: uses the connection.
    /// - Throws: as ``openConnection(_:limit:)``; what `body` throws; the error that the connection is lost by while the rest is
    ///   sent.
    nonisolated(nonsending) public func withConnection<Result>(
        _ options: ConnectionOptions,
        limit: Int = StreamReader.defaultLimit,
        _ body: nonisolated(nonsending) (StreamReader, StreamWriter) async throws -> Result
    ) async throws -> Result {
        let (reader, writer) = try await openConnection(options, limit: limit)
        return try await writer.closing { try await body(reader, writer) }
    }

    /// Connects to a TCP port of a host, or takes over a socket that is connected already, runs `body`, and closes the
    /// connection: see ``withConnection(_:limit:_:)``.
    ///
    /// ```swift
    /// let answer = try await loop.withConnection(host: "localhost", port: 8080) { reader, writer in
    ///     writer.write("question\n")
    ///     return try await reader.readLine()
    /// }
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
    ///   - body: uses the connection.
    /// - Throws: as ``withConnection(_:limit:_:)``.
    nonisolated(nonsending) public func withConnection<Result>(
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
        limit: Int = StreamReader.defaultLimit,
        _ body: nonisolated(nonsending) (StreamReader, StreamWriter) async throws -> Result
    ) async throws -> Result {
        let (reader, writer) = try await openConnection(
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
            tlsShutdownTimeout: tlsShutdownTimeout,
            limit: limit
        )
        return try await writer.closing { try await body(reader, writer) }
    }

    /// Connects to a Unix socket, or takes over one that is connected already, runs `body`, and closes the connection: see
    /// ``withConnection(_:limit:_:)``.
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
    ///   - body: uses the connection.
    /// - Throws: as ``withConnection(_:limit:_:)``.
    nonisolated(nonsending) public func withUnixConnection<Result>(
        path: String? = nil,
        abstractName: String? = nil,
        socket: FileDescriptor? = nil,
        tls: (any TLSProvider)? = nil,
        serverName: String? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        limit: Int = StreamReader.defaultLimit,
        _ body: nonisolated(nonsending) (StreamReader, StreamWriter) async throws -> Result
    ) async throws -> Result {
        let (reader, writer) = try await openUnixConnection(
            path: path,
            abstractName: abstractName,
            socket: socket,
            tls: tls,
            serverName: serverName,
            tlsHandshakeTimeout: tlsHandshakeTimeout,
            tlsShutdownTimeout: tlsShutdownTimeout,
            limit: limit
        )
        return try await writer.closing { try await body(reader, writer) }
    }
}

extension ProcessEventLoop {
    /// Reads from a pipe, FIFO, stream socket or terminal within `body`, and closes it in every way out: see
    /// ``openReadPipe(_:limit:)``.
    ///
    /// - Parameters:
    ///   - pipe: the descriptor.
    ///   - limit: the reader's ``StreamReader/limit``, in bytes.
    ///   - body: uses the pipe.
    /// - Throws: as ``openReadPipe(_:limit:)``, and what `body` throws.
    nonisolated(nonsending) public func withReadPipe<Result>(
        _ pipe: FileDescriptor,
        limit: Int = StreamReader.defaultLimit,
        _ body: nonisolated(nonsending) (StreamReader) async throws -> Result
    ) async throws -> Result {
        let reader = try await openReadPipe(pipe, limit: limit)
        // Nothing is left to send, and the loop keeps the transport until its descriptor is closed.
        defer { reader.source?.close() }
        return try await body(reader)
    }

    /// Writes to a pipe, FIFO, stream socket or terminal within `body`, and closes it in every way out, as
    /// ``NetworkEventLoop/withConnection(_:limit:_:)`` does: see ``openWritePipe(_:)``.
    ///
    /// - Parameters:
    ///   - pipe: the descriptor.
    ///   - body: uses the pipe.
    /// - Throws: as ``openWritePipe(_:)``; what `body` throws; ``PipeError`` when nobody reads the rest.
    nonisolated(nonsending) public func withWritePipe<Result>(
        _ pipe: FileDescriptor,
        _ body: nonisolated(nonsending) (StreamWriter) async throws -> Result
    ) async throws -> Result {
        let writer = try await openWritePipe(pipe)
        return try await writer.closing { try await body(writer) }
    }
}

extension StreamWriter {
    /// Runs `body`, closes the connection, and waits until it is closed.
    fileprivate nonisolated(nonsending) func closing<Result>(
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        let result: Result
        do {
            result = try await body()
        } catch {
            close()
            // The first error counts.
            try? await streamProtocol.waitClosedOrAbort(transport)
            throw error
        }
        close()
        try await streamProtocol.waitClosedOrAbort(transport)
        return result
    }
}
