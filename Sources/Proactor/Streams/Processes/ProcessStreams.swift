/// What a child tells its ``StreamedProcess``: it hands on to the streams' protocols what comes by the pipes.
///
/// The child's transport holds it until the child is over.
final class ProcessStreams: SubprocessProtocol {
    /// Each reader's, in bytes.
    private let limit: Int
    private(set) var binding = StreamBinding()
    /// Of the pipes that there are, by what the child calls them.
    private(set) var input: StreamReaderProtocol?
    private(set) var output: StreamReaderProtocol?
    private(set) var errors: StreamReaderProtocol?
    /// What ``StreamedProcess/communicate(input:limit:)-([UInt8]?,_)`` was given, while the child has not taken all of it.
    private var feed: ProcessFeed?
    /// Whether it was given any.
    private(set) var wasFed = false
    /// Whether a task is in the midst of it.
    var isCommunicating = false
    /// Whether the child has ended and its pipes are closed.
    private(set) var isOver = false
    /// Tasks that wait for that.
    private let enders = WaitList()

    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less.
    init(limit: Int) throws(EventLoopError) {
        // Refused here, before there is a child.
        _ = try StreamReader(limit: limit)
        self.limit = limit
    }

    // MARK: - What the transport tells

    func connectionMade(_ transport: any SubprocessTransport) throws {
        binding.bind(to: transport)
        input = try makeStreams(over: transport.getPipeTransport(0))
        output = try makeStreams(over: transport.getPipeTransport(1))
        errors = try makeStreams(over: transport.getPipeTransport(2))
        // Nobody could end the child's input once the last of its writers was dropped.
        input?.leaveToWriters()
    }

    private func makeStreams(over pipe: (any Transport)?) throws -> StreamReaderProtocol? {
        guard let pipe else { return nil }
        let streams = StreamReaderProtocol(try StreamReader(limit: limit))
        try streams.connectionMade(pipe)
        return streams
    }

    private func streams(of descriptor: Int32) -> StreamReaderProtocol? {
        switch descriptor {
        case 0: input
        case 1: output
        default: errors
        }
    }

    func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) {
        streams(of: descriptor)?.dataReceived(data)
    }

    func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?) {
        if descriptor == 0 { feed = nil }
        streams(of: descriptor)?.connectionLost(error)
    }

    func pauseWriting() {
        input?.pauseWriting()
    }

    func resumeWriting() {
        input?.resumeWriting()
        goOnFeeding()
    }

    func connectionLost(_ error: (any Error)?) {
        isOver = true
        enders.wakeAll()
    }

    // MARK: - For the process

    func makeWriter(of transport: any SubprocessTransport) -> StreamWriter? {
        guard let input, let pipe = transport.getPipeTransport(0) else { return nil }
        return StreamWriter(pipe, input)
    }

    /// Sends `bytes` to the child as it takes them, then ends its input.
    func feed(_ bytes: [UInt8], by writer: StreamWriter) {
        wasFed = true
        feed = ProcessFeed(bytes, writer)
        goOnFeeding()
    }

    private func goOnFeeding() {
        guard let feed, let input else { return }
        while !input.isWritingPaused {
            guard feed.writePiece() else {
                self.feed = nil
                return feed.writer.close()
            }
        }
    }

    /// Ends the child's input, behind what it is fed.
    func endInput(by writer: StreamWriter) {
        if feed == nil { writer.close() }
    }

    /// See ``StreamBinding/use(_:)``.
    func use(_ call: StaticString) throws(EventLoopError) {
        try binding.use(call)
    }

    /// Returns when the child has ended and its pipes are closed, also in a task that is cancelled.
    nonisolated(nonsending) func waitUntilOver() async {
        guard !isOver, let loop = binding.loop, !loop.isClosed else { return }
        await enders.waitRegardless(on: loop)
    }
}

/// Bytes on their way to a child: a piece is written when the child has taken most of the one before.
///
/// The transport copies what the kernel does not take at once. So only a piece is there twice, and no task waits for it.
private final class ProcessFeed {
    private static let pieceSize = 256 * 1024

    /// Keeps the child's input open until all is sent, whoever else drops it.
    let writer: StreamWriter
    private let bytes: [UInt8]
    private var written = 0

    init(_ bytes: [UInt8], _ writer: StreamWriter) {
        self.bytes = bytes
        self.writer = writer
    }

    /// Writes the next piece. Returns false when there is none.
    func writePiece() -> Bool {
        guard written < bytes.count, !writer.isClosing else { return false }
        let end = min(written + Self.pieceSize, bytes.count)
        let bytes = bytes
        let all = bytes.span.bytes
        writer.write(all.extracting(written..<end))
        written = end
        return true
    }
}
