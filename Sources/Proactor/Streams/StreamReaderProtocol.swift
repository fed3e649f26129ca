/// Connects a ``StreamReader`` to a transport, and tells its ``StreamWriter`` when to wait: asyncio's `StreamReaderProtocol`.
///
/// ``NetworkEventLoop/openConnection(_:limit:)`` and its kin make one. Make one yourself to have streams over a transport that
/// they do not know, or to take over a connection from another protocol.
///
/// Thread rule: its loop's thread only.
///
/// ```swift
/// let reader = try StreamReader()
/// let (transport, streams) = try await loop.createConnection(host: "localhost", port: 8080) {
///     StreamReaderProtocol(reader)
/// }
/// let writer = StreamWriter(transport, streams)
/// ```
public final class StreamReaderProtocol: StreamProtocol {
    /// What serves a connection.
    public typealias Handler = nonisolated(nonsending) (StreamReader, StreamWriter) async throws -> Void

    let reader: StreamReader
    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    @exclusivity(unchecked) private var clientConnected: ClientHandler?
    @exclusivity(unchecked) var binding = StreamBinding()
    @exclusivity(unchecked) var loss = StreamLoss.none
    @exclusivity(unchecked) private var drainersIfAny: WaitList?
    @exclusivity(unchecked) private var closersIfAny: WaitList?
    /// How often tasks wrote without waiting since something was received.
    @exclusivity(unchecked) var drainsInARow: Int32 = 0
    /// How many writers there are.
    @exclusivity(unchecked) private var writerCount: Int32 = 0
    // Small ones lie together: an idle connection has one of these.
    /// Whether it is a server's: it has, or had, a handler.
    let servesClients: Bool
    @exclusivity(unchecked) var isWritingPaused = false
    @exclusivity(unchecked) private var hasHadWriter = false
    /// Whether nobody but a writer's owner answers for the connection any more: its handler has returned, or it is a child's input.
    @exclusivity(unchecked) private var isLeftToWriters = false

    /// A protocol that feeds `reader`, one without a transport.
    public init(_ reader: StreamReader) {
        self.reader = reader
        servesClients = false
    }

    /// A protocol that feeds `reader`, and serves its connection.
    ///
    /// - Parameters:
    ///   - reader: one without a transport.
    ///   - clientConnected: runs as a task of the loop once the connection stands, with the reader and a writer. When it
    ///     throws, the loop's exception handler hears of it and the connection is closed. When it returns, the connection lasts
    ///     as long as somebody has the writer and does not close it.
    public init(_ reader: StreamReader, clientConnected: @escaping Handler) {
        self.reader = reader
        self.clientConnected = ClientHandler(run: clientConnected)
        servesClients = true
    }

    // MARK: - What the transport tells

    public func connectionMade(_ transport: any Transport) throws {
        binding.bind(to: transport)
        try reader.setTransport(transport)
        guard let handler = clientConnected.take() else { return }
        guard let loop = binding.loop else { throw EventLoopError.noRunningLoop }
        let writer = StreamWriter(transport, self)
        // The loop holds its tasks until they are done.
        loop.createTask(name: nil) { [self] in await serve(writer, by: handler.run) }
    }

    public func dataReceived(_ data: RawSpan) {
        drainsInARow = 0
        reader.receive(data)
    }

    public func eofReceived() -> Bool {
        reader.receiveEOF()
        // Whoever has a writer may write on, and closes it. Where the last one was dropped, nobody will.
        return writerCount > 0 || !hasHadWriter
    }

    public func connectionLost(_ error: (any Error)?) {
        loss = error.map { .failed($0) } ?? .closed
        reader.lose(error)
        isWritingPaused = false
        drainersIfAny?.wakeAll()
        closersIfAny?.wakeAll()
    }

    public func pauseWriting() {
        isWritingPaused = true
    }

    public func resumeWriting() {
        isWritingPaused = false
        drainersIfAny?.wakeAll()
    }

    // MARK: - Who waits

    /// Tasks that wait until they may write on. The list is made for the first.
    var drainers: WaitList { Self.list(&drainersIfAny) }

    /// Tasks that wait for the end of the connection, likewise.
    var closers: WaitList { Self.list(&closersIfAny) }

    private static func list(_ list: inout WaitList?) -> WaitList {
        if let list { return list }
        let made = WaitList()
        list = made
        return made
    }

    // MARK: - The handler

    private nonisolated(nonsending) func serve(_ writer: StreamWriter, by handler: Handler) async {
        do {
            try await handler(reader, writer)
            // Closed with the last of them: the task lets go of its own when this has returned.
            leaveToWriters()
        } catch {
            handlerFailed(error, writer)
        }
    }

    // Not inlined: see `cancellation()`.
    @inline(never)
    private func handlerFailed(_ error: any Error, _ writer: StreamWriter) {
        if !(error is CancellationError) { report(error, of: writer.transport) }
        writer.close()
    }

    private func report(_ error: any Error, of transport: any WriteTransport) {
        var context = ExceptionContext(
            message: "a stream's handler threw an error; its connection is closed",
            error: error
        )
        context.connectionProtocol = self
        context.transport = transport
        context.server = (transport as? any LayeredTransport)?.server
        binding.loop?.callExceptionHandler(context)
    }

    // MARK: - Writers

    /// From here on the connection is closed with the last of its writers.
    func leaveToWriters() {
        isLeftToWriters = true
    }

    func writerWasMade() {
        writerCount += 1
        hasHadWriter = true
    }

    /// A writer is gone, on the loop's thread. Nobody can close a connection whose last writer was dropped.
    func writerWasDropped(_ transport: any WriteTransport) {
        writerCount -= 1
        guard writerCount == 0, !transport.isClosing else { return }
        if let loop = binding.loop, loop.debug {
            loop.logger.warning(
                "a stream's writer was dropped, and its connection is open: \(transport); call close()"
            )
        }
        if isLeftToWriters { transport.close() }
    }
}

@available(*, unavailable)
extension StreamReaderProtocol: Sendable {}

/// A handler, kept as it is: an optional function is kept behind another, which takes a frame of its task's memory.
private struct ClientHandler {
    let run: StreamReaderProtocol.Handler
}

/// How a stream's connection was lost.
enum StreamLoss {
    /// It is not.
    case none
    case closed
    case failed(any Error)
}
