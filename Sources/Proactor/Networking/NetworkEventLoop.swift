import SystemPackage

/// What an event loop does over the network, through transports: connections, servers, datagrams, files that are sent, and
/// names that are looked up. The part of ``AbstractEventLoop`` that most programs live by. Every loop has it.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let server = try await loop.createServer(host: "127.0.0.1", port: 9000) { Echo() }
/// let (transport, _) = try await loop.createConnection(host: "127.0.0.1", port: 9000) { Client() }
/// ```
public protocol NetworkEventLoop: AnyObject {
    // MARK: Connections, servers and datagrams

    /// Connects a stream, as ``ConnectionOptions`` says, and returns when `connectionMade` was called. Cancelling the task
    /// ends the attempt and leaves no socket behind. A task that is cancelled beforehand attempts nothing, and a socket that
    /// it gave stays the caller's: so do all calls of a loop. With TLS that is when the handshake is done, and while it is
    /// under way the end of the task, of the loop or of the connection ends it.
    ///
    /// - Throws: ``TLSError`` when the handshake fails, and then the connection is closed; ``SocketError``, or ``ConnectionError`` when addresses fail for different reasons; ``ResolutionError``;
    ///   `CancellationError`; ``EventLoopError/invalidArgument(_:)`` for options that do not go with the endpoint;
    ///   that and ``EventLoopError/invalidState(_:)`` for a socket that is no stream, listens, is not connected or is in
    ///   use already, which stays the caller's; ``EventLoopError/closed``; what the factory throws, and then the socket is
    ///   closed.
    nonisolated(nonsending) func createConnection<Protocol: ConnectionProtocol>(
        _ options: ConnectionOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol)

    /// Listens, as ``ServerOptions`` says, and makes a protocol for each connection. A factory that throws costs its
    /// connection only, and the loop's exception handler hears of it.
    ///
    /// - Throws: ``SocketError`` with the errno and the address, and then nothing listens; ``ResolutionError``;
    ///   `CancellationError`; ``EventLoopError/invalidArgument(_:)`` for options that do not go with the endpoint; that and
    ///   ``EventLoopError/invalidState(_:)`` for a socket that is no stream or is in use already; ``EventLoopError/closed``.
    nonisolated(nonsending) func createServer(
        _ options: ServerOptions,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) async throws -> Server

    /// Stops every server of this loop gracefully, all at the same time, as ``Server/shutdownGracefully(timeout:)`` one.
    /// The loop runs on, and connections that it has made itself are left alone.
    ///
    /// - Parameter timeout: how long connections have; then those that are left are aborted.
    /// - Returns: how many connections ended in time, and how many were aborted.
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    nonisolated(nonsending) func shutdownServers(timeout: Duration) async throws -> ShutdownSummary

    /// Opens an endpoint for datagrams, as ``DatagramOptions`` says, and returns when `connectionMade` was called.
    ///
    /// - Throws: ``SocketError`` with the errno and the address; ``ResolutionError``; `CancellationError`;
    ///   ``EventLoopError/invalidArgument(_:)`` for options that contradict each other,
    ///   ``EventLoopError/invalidState(_:)`` for a socket that is in use already; ``EventLoopError/closed``; what the
    ///   factory throws, and then the socket is closed.
    nonisolated(nonsending) func createDatagramEndpoint<Protocol: DatagramProtocol>(
        _ options: DatagramOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any DatagramTransport, protocol: Protocol)

    /// Serves a connection that was accepted elsewhere, and returns when `connectionMade` was called. The transport owns
    /// `socket` from here on. With `tls` it is the server's side of TLS.
    ///
    /// - Throws: ``TLSError`` when the handshake fails, and then the socket is closed; ``EventLoopError/invalidArgument(_:)``, ``EventLoopError/invalidState(_:)`` and ``SocketError`` for what is
    ///   no stream socket, listens itself, is not connected or is in use already, which stays the caller's;
    ///   `CancellationError`, and then it does too; ``EventLoopError/closed``; what the factory throws, and then the socket
    ///   is closed.
    nonisolated(nonsending) func connectAcceptedSocket<Protocol: ConnectionProtocol>(
        _ socket: FileDescriptor,
        tls: TLSOptions?,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any Transport, protocol: Protocol)

    // MARK: TLS

    /// Puts TLS on a connection that stands: asyncio's `start_tls`, for protocols that begin in plain text and agree on TLS, such as SMTP.
    ///
    /// From the call on nothing else may use `transport`: what comes by it is taken for TLS, also what had come and was held back while
    /// reading was paused. What was written before still goes out, before TLS begins. It returns when the handshake is done, and
    /// from then on `connectionProtocol` has the transport that is returned, without another `connectionMade`; reading goes on there,
    /// paused before or not. Whatever ends the connection, a failed handshake too, comes to its `connectionLost`.
    ///
    /// Any transport will do, one that has TLS already included, and your own. What a protocol was given in one piece with the peer's agreement, and
    /// behind it, has come in plain text, whoever sent it: a protocol that finds bytes there closes the connection, since
    /// they may be a stranger's. ``StreamWriter/startTLS(_:serverName:handshakeTimeout:shutdownTimeout:)`` sees to that
    /// itself.
    ///
    /// - Parameters:
    ///   - transport: one that is open and has neither ended its sending nor heard the peer's end.
    ///   - connectionProtocol: the transport's protocol, or another.
    ///   - options: the context, and a client's server name.
    ///   - side: ``TLSSide/client`` for who speaks first, whoever has connected.
    /// - Returns: the transport that the protocol uses from here on.
    /// - Throws: ``TLSError``; ``SocketError`` where the connection is lost amid the handshake; `CancellationError`, which aborts the
    ///   connection; ``SendFileError/inProgress``; ``EventLoopError/invalidState(_:)`` for a transport that is closing, at its
    ///   end, or has TLS above it; ``EventLoopError/invalidArgument(_:)`` for another loop's; ``EventLoopError/closed``.
    nonisolated(nonsending) func startTLS(
        _ transport: any Transport,
        _ connectionProtocol: any ConnectionProtocol,
        _ options: TLSOptions,
        side: TLSSide
    ) async throws -> any Transport

    // MARK: Files

    /// Sends a file, or a stretch of it, over a transport, after what was written to it before, and returns how many bytes
    /// that were. The system does it by itself where it can: nothing is copied through this process.
    ///
    /// Until it is done nothing else can be written to the transport, and reading is paused. Closing the transport waits for
    /// it; aborting, or a peer that goes, ends it. Cancelling the task ends it too, after any number of bytes, and leaves the
    /// transport as it is. In every case ``File/position`` says how far it came: `offset` and the bytes sent. Over TLS the file is read and
    /// written, a piece ahead of the peer, and sent is what was encrypted.
    ///
    /// - Parameters:
    ///   - transport: one that is open for writing.
    ///   - file: opened for reading, on this loop.
    ///   - offset: where in the file to begin, in bytes.
    ///   - count: how many bytes to send at the most; `nil` is all to the end of the file.
    ///   - fallback: read the file and write it where the system cannot send this file, or over this transport, by itself.
    /// - Returns: the number of bytes sent: less than `count` when the file ends before.
    /// - Throws: ``SendFileError``; ``FileError`` for a file that is closed; `CancellationError`;
    ///   ``EventLoopError/invalidState(_:)`` for a transport that is closing, ``EventLoopError/invalidArgument(_:)``,
    ///   ``EventLoopError/closed``.
    @discardableResult
    nonisolated(nonsending) func sendFile(
        _ transport: any Transport,
        _ file: File,
        offset: Int64,
        count: Int64?,
        fallback: Bool
    ) async throws -> Int64

    /// As ``sendFile(_:_:offset:count:fallback:)``, to a connected stream socket of the caller's own, which must be left alone
    /// meanwhile. The loop makes the socket blocking or not, as it needs it.
    ///
    /// - Throws: as there, and ``SocketError`` for what is not a socket.
    @discardableResult
    nonisolated(nonsending) func sockSendFile(
        _ socket: FileDescriptor,
        _ file: File,
        offset: Int64,
        count: Int64?,
        fallback: Bool
    ) async throws -> Int64

    // MARK: Names

    /// The addresses of a host and a service, as `getaddrinfo(3)`. An address in numbers is answered at once,
    /// a name on the default executor, whose threads it may keep busy for as long as name servers take.
    /// Cancelling the task ends the wait, not a look-up that has begun.
    ///
    /// - Parameters:
    ///   - host: a name or an address; `nil` is this machine: its loopback addresses, or with `.passive`
    ///     every interface.
    ///   - service: a port, or a service's name such as `https`; `nil` leaves the port at zero.
    ///   - family: only addresses of this family; `nil` takes IPv4 and IPv6.
    ///   - type: only this type of socket; `nil` gives each address once for every type.
    ///   - protocolNumber: only this protocol, such as `IPPROTO_TCP`; zero takes all.
    ///   - flags: how to look up.
    /// - Throws: ``ResolutionError``, `CancellationError`, ``EventLoopError/closed``, what
    ///   ``AbstractEventLoop/runInExecutor(_:_:)`` throws.
    nonisolated(nonsending) func getaddrinfo(
        host: String?,
        service: String?,
        family: AddressFamily?,
        type: SocketType?,
        protocolNumber: Int32,
        flags: AddressInfoFlags
    ) async throws -> [AddressInfo]

    /// The host and the service that `address` stands for, as `getnameinfo(3)`: names as far as they can be
    /// found, or numbers. With both numeric flags it is answered at once, otherwise on the default executor.
    ///
    /// - Throws: ``ResolutionError``, also for a Unix socket's address; `CancellationError`,
    ///   ``EventLoopError/closed``, what ``AbstractEventLoop/runInExecutor(_:_:)`` throws.
    nonisolated(nonsending) func getnameinfo(
        _ address: SocketAddress,
        flags: NameInfoFlags
    ) async throws -> (host: String, service: String)
}
