/// Writes a stream and waits by `await`: asyncio's `StreamWriter`.
///
/// ``NetworkEventLoop/openConnection(_:limit:)`` and its kin make one together with a ``StreamReader``. Nothing that writes
/// waits; ``drain()`` does, while more is buffered than the transport's marks allow. Who writes a lot awaits it after each piece.
///
/// A writer that is dropped without ``close()`` leaves its connection open until the peer ends it, and debug mode logs a warning.
///
/// Thread rule: its loop's thread only.
///
/// ```swift
/// let (reader, writer) = try await loop.openConnection(host: "localhost", port: 8080)
/// writer.write("hello\n")
/// try await writer.drain()
/// writer.close()
/// try await writer.waitClosed()
/// ```
public final class StreamWriter {
    /// What it writes to: another one from ``startTLS(_:serverName:handshakeTimeout:shutdownTimeout:)`` on.
    // Exclusivity: it belongs to the loop's thread, and is changed by an assignment only.
    @exclusivity(unchecked) public private(set) var transport: any WriteTransport
    let streamProtocol: StreamReaderProtocol

    /// A writer for a connection that a ``StreamReaderProtocol`` serves.
    public init(_ transport: any WriteTransport, _ streamProtocol: StreamReaderProtocol) {
        self.transport = transport
        self.streamProtocol = streamProtocol
        streamProtocol.writerWasMade()
    }

    deinit {
        guard let loop = streamProtocol.binding.loop, !loop.isClosed, !loop.isForked else { return }
        guard !loop.isOnLoopThread else { return streamProtocol.writerWasDropped(transport) }
        // The last to hold it was on another thread, such as a task that had left the loop.
        nonisolated(unsafe) let (transport, streamProtocol) = (transport, streamProtocol)
        _ = loop.inbox.post(.callback { streamProtocol.writerWasDropped(transport) })
    }

    // MARK: - Writing

    /// Sends a copy of `data`. Ignored when the connection is closing.
    public func write(_ data: RawSpan) {
        transport.write(data)
    }

    /// Sends the bytes. Ignored when the connection is closing.
    public func write(_ data: [UInt8]) {
        transport.write(data)
    }

    /// Sends a stretch of an array. Ignored when the connection is closing.
    public func write(_ data: ArraySlice<UInt8>) {
        transport.write(data)
    }

    /// Sends the text as UTF-8. Ignored when the connection is closing.
    public func write(_ text: String) {
        transport.write(text)
    }

    /// Sends the buffer's bytes without a copy, and frees it when they are sent. Ignored when the connection is closing.
    public func write(_ buffer: consuming OwnedBuffer) {
        transport.write(buffer)
    }

    /// Sends the pieces one after the other, as one write of all of them would.
    public func writeLines(_ pieces: some Sequence<[UInt8]>) {
        transport.writeLines(pieces)
    }

    /// Waits until more may be written: at once unless more is buffered than the transport's high-water mark allows, else until
    /// it is at the low one. Any number of tasks may wait.
    ///
    /// - Throws: once the connection is lost, its error, or ``SocketError`` or ``PipeError`` with `EPIPE` where it had a clean
    ///   end; the reader's exception; `CancellationError`; ``EventLoopError/closed``, ``EventLoopError/noRunningLoop``.
    // Inlined: where nobody waits, which is as a rule, it takes no frame of the task's stack.
    @inlinable
    public nonisolated(nonsending) func drain() async throws {
        if try !mayWriteOn() { try await waitToWrite() }
    }

    @usableFromInline
    func mayWriteOn() throws -> Bool {
        try streamProtocol.mayWriteOn(transport)
    }

    @usableFromInline
    nonisolated(nonsending) func waitToWrite() async throws {
        try await streamProtocol.waitToWrite(transport)
    }

    /// Whether ``writeEOF()`` is possible.
    public var canWriteEOF: Bool { transport.canWriteEOF }

    /// Sends what was written, then tells the peer that nothing follows. Reading goes on.
    public func writeEOF() {
        transport.writeEOF()
    }

    // MARK: - TLS

    /// Puts TLS on the connection, once what was written may go on: asyncio's `start_tls`. The side of a server's handler is the
    /// server's. It returns when the handshake is done, and the reader and this writer go on over TLS; no task may read meanwhile, and
    /// other writers of the same connection are of no more use.
    ///
    /// What has come already and was not read is taken for the beginning of TLS. So a line that somebody has slipped in behind the
    /// peer's agreement, in plain text, has the handshake fail, and is never read as if it had come encrypted.
    ///
    /// ```swift
    /// writer.write("STARTTLS\r\n")
    /// _ = try await reader.readLine()
    /// try await writer.startTLS(context, serverName: "mail.example.org")
    /// ```
    ///
    /// - Parameters:
    ///   - context: for clients or for servers, of ProactorTLS or your own.
    ///   - serverName: for clients, whom the peer's certificate has to name.
    ///   - handshakeTimeout: how long the handshake may take; `nil` is 60 seconds.
    ///   - shutdownTimeout: how long the peer's answer to a close may take; `nil` is 30 seconds.
    /// - Throws: as ``drain()``, and as ``NetworkEventLoop/startTLS(_:_:_:side:)``, and then the connection is lost;
    ///   ``EventLoopError/invalidState(_:)`` while another task reads, at the end of the stream, and for what is no two-way
    ///   connection.
    public nonisolated(nonsending) func startTLS(
        _ context: any TLSProvider,
        serverName: String? = nil,
        handshakeTimeout: Duration? = nil,
        shutdownTimeout: Duration? = nil
    ) async throws {
        try await drain()
        guard let plain = transport as? any Transport, let loop = streamProtocol.binding.loop else {
            throw EventLoopError.invalidState("TLS goes with two-way connections of an event loop")
        }
        let reader = streamProtocol.reader
        try reader.checkTakesOtherTransport()
        var options = TLSOptions(context, serverName: serverName)
        if let handshakeTimeout { options.handshakeTimeout = handshakeTimeout }
        if let shutdownTimeout { options.shutdownTimeout = shutdownTimeout }
        let side = streamProtocol.servesClients ? TLSSide.server : .client
        let encrypted = try loop.beginTLS(plain, streamProtocol, options, side: side) { encrypted in
            transport = encrypted
            encrypted.held = reader.takeAll(for: encrypted)
        }
        try await encrypted.untilOpen()
    }

    // MARK: - The end

    /// Sends what was written, then closes the connection. Nothing more is read.
    public func close() {
        transport.close()
    }

    /// Whether the connection is closing or closed.
    public var isClosing: Bool { transport.isClosing }

    /// Waits until the connection is closed: to be called after ``close()``, which a peer that does not read holds up.
    ///
    /// - Throws: the error that the connection was lost by, if it was one; `CancellationError`, ``EventLoopError/closed``,
    ///   ``EventLoopError/noRunningLoop``.
    public nonisolated(nonsending) func waitClosed() async throws {
        try await streamProtocol.waitClosed()
    }

    /// What is known about the connection: see ``BaseTransport/extraInfo(_:)``.
    public func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        transport.extraInfo(key)
    }
}

@available(*, unavailable)
extension StreamWriter: Sendable {}
