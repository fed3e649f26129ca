/// Reads a stream by `await`: asyncio's `StreamReader`.
///
/// ``NetworkEventLoop/openConnection(_:limit:)`` and its kin make one together with a ``StreamWriter``. Each call to read comes
/// in two forms: one returns an array, the other lends the same bytes to a closure, without a copy and without an allocation,
/// and has read them when the closure returns or throws. A closure that wants to keep bytes copies them.
///
/// While nobody waits for more, it holds twice its ``limit`` and then pauses its transport, which goes on when the limit is
/// reached again: so a peer cannot fill the memory. One task reads at a time: a second one is refused with
/// ``EventLoopError/invalidState(_:)``, and the first goes on unharmed. A task that is cancelled while it waits has read
/// nothing: what has come is there for the next. When the connection breaks, what came before can still be read, and
/// then the error is thrown.
///
/// Thread rule: its loop's thread only.
///
/// ```swift
/// let (reader, writer) = try await loop.openConnection(host: "localhost", port: 8080)
/// writer.write("hello\n")
/// let line = try await reader.readLine()
/// let length = try await reader.readUntil(" ") { bytes in bytes.byteCount }
/// writer.close()
/// ```
public final class StreamReader {
    /// The limit unless another is given, in bytes: 64 KiB.
    public static let defaultLimit = 64 * 1024

    /// How long a piece up to a separator may be, in bytes, and half of what is held while nobody waits.
    public let limit: Int

    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    @exclusivity(unchecked) var binding = StreamBinding()
    @exclusivity(unchecked) var buffer = StreamBuffer()
    @exclusivity(unchecked) var end = StreamEnd.open
    /// What was set by ``setException(_:)``.
    @exclusivity(unchecked) private(set) var failure: (any Error)?
    /// What the task that reads is waiting for.
    @exclusivity(unchecked) var demand = StreamDemand.nothing
    // Small ones lie together: an idle connection has one of these.
    /// Whether a closure has the buffer's bytes.
    @exclusivity(unchecked) var isLending = false
    @exclusivity(unchecked) var isSourcePaused = false
    @exclusivity(unchecked) var search = SeparatorSearch()
    /// Made when the loop is known.
    @exclusivity(unchecked) private(set) var waiting: StreamWait?
    /// The loop's, likewise.
    @exclusivity(unchecked) private(set) var pool: BufferPool?
    /// What was fed meanwhile.
    @exclusivity(unchecked) var fedMeanwhile: [UInt8] = []
    /// What was collected for a task that wants all of it.
    @exclusivity(unchecked) var collected: [UInt8] = []
    @exclusivity(unchecked) var source: (any ReadTransport)?

    /// A reader without a transport: see ``StreamReaderProtocol``, and ``feedData(_:)-(RawSpan)``.
    ///
    /// - Parameter limit: see ``limit``.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less.
    public init(limit: Int = StreamReader.defaultLimit) throws(EventLoopError) {
        guard limit > 0 else {
            throw .invalidArgument("a stream reader's limit must be a byte at least, and \(limit) was given")
        }
        self.limit = limit
    }

    // MARK: - State

    /// The transport that feeds it, if there is one.
    public var transport: (any ReadTransport)? {
        binding.check("StreamReader.transport")
        return source
    }

    /// Whether all was read and nothing will come any more.
    public var atEOF: Bool {
        binding.check("StreamReader.atEOF")
        guard case .ended = end else { return false }
        return buffer.isEmpty && fedMeanwhile.isEmpty
    }

    /// What ``setException(_:)`` has set, or what the connection was lost by.
    public var exception: (any Error)? {
        binding.check("StreamReader.exception")
        if case .failed(let error) = end { return failure ?? error }
        return failure
    }

    // MARK: - Feeding

    /// Adds a copy of bytes, as a protocol does with what it receives. Bytes after the end are ignored.
    ///
    /// ```swift
    /// let reader = try StreamReader()
    /// reader.feedData("GET / HTTP/1.1\r\n")
    /// reader.feedEOF()
    /// ```
    public func feedData(_ data: RawSpan) {
        binding.check("StreamReader.feedData")
        guard case .open = end else { return }
        guard !isLending else { return fedMeanwhile.append(contentsOf: data) }
        buffer.append(data, expecting: demand.expectedCount, pool: pool)
        if meetsDemand() { wake() }
        pauseIfFull()
    }

    /// As ``feedData(_:)-(RawSpan)``.
    public func feedData(_ data: [UInt8]) {
        feedData(data.span.bytes)
    }

    /// Adds text as UTF-8: see ``feedData(_:)-(RawSpan)``.
    public func feedData(_ text: String) {
        feedData(text.utf8Span.span.bytes)
    }

    /// Nothing will come any more.
    public func feedEOF() {
        binding.check("StreamReader.feedEOF")
        guard case .open = end else { return }
        end = .ended
        wake()
    }

    /// Every read throws `error` from here on, also one that waits, whatever has come before.
    public func setException(_ error: any Error) {
        binding.check("StreamReader.setException")
        failure = error
        wake()
    }

    /// Has the reader pause and resume `transport`, which feeds it. A ``StreamReaderProtocol`` does that.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when it has one, or was read on another loop than the transport's.
    public func setTransport(_ transport: any ReadTransport) throws(EventLoopError) {
        guard source == nil else { throw .invalidState("the stream reader has a transport already") }
        var bound = binding
        bound.bind(to: transport)
        // Its wait and its memory are of the loop that it was read on.
        guard binding.loop == nil || binding.loop === bound.loop else {
            throw .invalidState("the stream reader was read on another event loop than its transport's")
        }
        binding = bound
        source = transport
        prepareToWait()
    }

    // MARK: - Waiting

    /// What every read begins with.
    @inline(__always)
    func begin(_ call: StaticString) throws {
        try binding.use(call)
        try checkCancellation()
        if waiting == nil { prepareToWait() }
        guard waiting?.isTaken != true else { throw isReadByAnother(call) }
        if let failure { throw failure }
    }

    @inline(never)
    private func prepareToWait() {
        guard let loop = binding.loop, waiting == nil else { return }
        waiting = StreamWait(loop: loop)
        pool = loop.buffers
    }

    @inline(never)
    private func isReadByAnother(_ call: StaticString) -> EventLoopError {
        .invalidState("\(call) was called while another task waits to read from the stream")
    }

    /// Waits until `demand` is met, or nothing will come any more. The caller has found that it is not met.
    ///
    /// - Throws: `CancellationError`, and the connection's error, where it leaves less than is wanted.
    // Inlined into functions that are not: see `CancellationHandler`.
    @inline(__always)
    nonisolated(nonsending) func wait(for demand: StreamDemand) async throws {
        if case .open = end, let waiting {
            self.demand = demand
            resumeSource()
            let wasWoken = await waiting.untilWoken()
            try endOfWait(wasWoken)
        } else {
            try checkEnd()
        }
    }

    @inline(__always)
    private func endOfWait(_ wasWoken: Bool) throws {
        let isMet = meetsDemand()
        demand = .nothing
        guard wasWoken else {
            pauseIfFull()
            throw cancellation()
        }
        if let failure { throw failure }
        if !isMet { try checkEnd() }
    }

    private func checkEnd() throws {
        if case .failed(let error) = end { throw error }
    }

    /// Whether a task waits, and was not woken yet.
    var isWaitedFor: Bool {
        @inline(__always) get { waiting?.isWaiting == true }
    }

    /// Whether what has come is enough for the task that waits. Searches only what it has not searched before.
    @inline(__always)
    func meetsDemand() -> Bool {
        switch demand {
        case .nothing, .toEnd: return false
        case .bytes(let count): return buffer.count >= count
        case .collection(let max): return collect(max: max)
        case .separator:
            if !search.isOver { search.go(through: buffer, limit: limit) }
            return search.isOver
        }
    }

    /// Lets the task go on that waits, in its turn.
    func wake() {
        waiting?.wake()
    }

    // MARK: - Back-pressure

    /// Pauses the transport when more is held than a peer may send ahead. A task that waits wants more, however much that is.
    @inline(__always)
    func pauseIfFull() {
        // Twice the limit, which may be any number.
        if (buffer.count - 1) / 2 >= limit, !isWaitedFor { pauseSource() }
    }

    @inline(never)
    private func pauseSource() {
        guard let source, !isSourcePaused else { return }
        isSourcePaused = true
        source.pauseReading()
    }

    @inline(__always)
    func resumeIfDrained() {
        if isSourcePaused, buffer.count <= limit { resumeSource() }
    }

    private func resumeSource() {
        guard isSourcePaused else { return }
        isSourcePaused = false
        source?.resumeReading()
    }
}

@available(*, unavailable)
extension StreamReader: Sendable {}
