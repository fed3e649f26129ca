import SystemPackage

extension NetworkEventLoop {
    /// Serves a connection that was accepted elsewhere, plain or encrypted, and returns when `connectionMade` was called; see
    /// ``connectAcceptedSocket(_:tls:protocolFactory:)``.
    ///
    /// ```swift
    /// let (transport, echo) = try await loop.connectAcceptedSocket(socket) { Echo() }
    /// ```
    ///
    /// - Parameters:
    ///   - socket: a connected stream socket; the transport owns it from here on.
    ///   - tls: encrypts the connection: a context for servers, of ProactorTLS or your own.
    ///   - tlsHandshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - tlsShutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    ///   - protocolFactory: called once the socket was found to be of use.
    /// - Throws: as there, and ``EventLoopError/invalidArgument(_:)`` for time-outs without `tls`.
    nonisolated(nonsending) public func connectAcceptedSocket<Protocol: ConnectionProtocol>(
        _ socket: FileDescriptor,
        tls: (any TLSProvider)? = nil,
        tlsHandshakeTimeout: Duration? = nil,
        tlsShutdownTimeout: Duration? = nil,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol) {
        let options = try TLSOptions(
            tls,
            handshakeTimeout: tlsHandshakeTimeout,
            shutdownTimeout: tlsShutdownTimeout
        )
        return try await connectAcceptedSocket(socket, tls: options, protocolFactory: protocolFactory)
    }

    /// Puts TLS on a connection that stands; see ``startTLS(_:_:_:side:)``.
    ///
    /// ```swift
    /// let encrypted = try await loop.startTLS(transport, client, context, serverName: "mail.example.org")
    /// ```
    ///
    /// - Parameters:
    ///   - transport: one that is open and has neither ended its sending nor heard the peer's end.
    ///   - connectionProtocol: the transport's protocol, or another.
    ///   - context: for clients or for servers, of ProactorTLS or your own.
    ///   - serverSide: whether this is the server's side of TLS.
    ///   - serverName: for clients, whom the peer's certificate has to name.
    ///   - handshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - shutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    /// - Returns: the transport that the protocol uses from here on.
    /// - Throws: as there.
    nonisolated(nonsending) public func startTLS(
        _ transport: any Transport,
        _ connectionProtocol: any ConnectionProtocol,
        _ context: any TLSProvider,
        serverSide: Bool = false,
        serverName: String? = nil,
        handshakeTimeout: Duration? = nil,
        shutdownTimeout: Duration? = nil
    ) async throws -> any Transport {
        var options = TLSOptions(context, serverName: serverName)
        if let handshakeTimeout { options.handshakeTimeout = handshakeTimeout }
        if let shutdownTimeout { options.shutdownTimeout = shutdownTimeout }
        return try await startTLS(
            transport,
            connectionProtocol,
            options,
            side: serverSide ? .server : .client
        )
    }
}
