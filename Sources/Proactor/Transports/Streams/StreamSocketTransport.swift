import SystemPackage

/// How far the end of what the peer sends has come: its end of stream, or an error.
enum EndOfStream: UInt8 {
    case notSeen
    /// It came while reading was paused, and waits for that to end.
    case heldBack
    /// The protocol knows; nothing more is received.
    case delivered
}

/// How far this side's end of stream has come.
enum WriteEnd: UInt8 {
    case open
    /// `writeEOF` was called, and what was written before is still to be sent.
    case requested
    /// The kernel was told.
    case sent
}

/// What a transport's sending side has in the kernel.
enum SendState {
    case idle
    /// A send. A socket's does not wait for room.
    case sending(OperationToken)
    /// The kernel had no room: what it was not given can be offered to it at any time.
    case waitingForRoom(OperationToken)
}

/// The transport of a connected stream socket, on every loop: a receive is in flight while it reads, a send while it has bytes.
///
/// ``PipeTransport`` is the same over a pipe: what differs is in the methods under "What a pipe does otherwise".
class StreamSocketTransport: LoopTransport, LayeredTransport {
    // Exclusivity: a transport belongs to the loop's thread; a checked access would cost more than the work it guards.

    // Small ones lie together: an idle connection is little more than this object. What few connections need is an object of its
    // own.

    @exclusivity(unchecked) var sendState = SendState.idle
    /// Whether the protocol asked for a pause.
    @exclusivity(unchecked) var isReadingPaused = false
    @exclusivity(unchecked) var endOfStream = EndOfStream.notSeen
    @exclusivity(unchecked) var writeEnd = WriteEnd.open
    /// Whether anything was received or written.
    @exclusivity(unchecked) var isUsed = false
    /// What a send at once has failed with, or zero.
    @exclusivity(unchecked) var sendErrno: Int32 = 0
    /// What was sent past the operations, in bytes, and in which turn.
    @exclusivity(unchecked) var offeredCount: UInt32 = 0
    @exclusivity(unchecked) var offeredInTurn: UInt32 = 0
    @exclusivity(unchecked) var writes = WriteQueue()

    /// The protocol, unless it is a `BufferedProtocol`: one of the two is there until the connection is lost.
    @exclusivity(unchecked) var streamProtocol: (any StreamProtocol)?
    @exclusivity(unchecked) private(set) var buffered: BufferedReceiving?
    @exclusivity(unchecked) private var uncommon: UncommonState?

    /// Takes over a connected socket. Nothing happens before ``start()``.
    init(
        loop: BaseEventLoop,
        socket: FileDescriptor,
        connectionProtocol: any ConnectionProtocol,
        server: Server? = nil,
        peerAddress: SocketAddress? = nil,
        hasPeerAddress: Bool = true
    ) {
        super.init(
            loop: loop,
            descriptor: socket,
            peerAddress: peerAddress
                ?? (hasPeerAddress ? try? loop.system.peerAddress(of: socket) : nil),
            server: server
        )
        assign(connectionProtocol)
    }

    // MARK: - What few connections need

    /// What came while reading was paused: at most what the kernel had handed over already.
    var heldBack: [UInt8] {
        get { uncommon?.heldBack ?? [] }
        _modify { yield &makeUncommon().heldBack }
    }

    var holdsBack: Bool {
        if let uncommon { !uncommon.heldBack.isEmpty } else { false }
    }

    /// The error that was the end of the stream, while it is held back, or zero.
    var heldBackErrno: Int32 {
        get { uncommon?.heldBackErrno ?? 0 }
        set { makeUncommon().heldBackErrno = newValue }
    }

    /// What keeps everybody else from writing.
    var fileSending: FileSending? {
        get { uncommon?.fileSending }
        set { makeUncommon().fileSending = newValue }
    }

    /// What stands on it and makes the bytes that it sends, if anything does. It is the protocol, too.
    var filter: (any TransportFilter)? {
        get { uncommon?.filter }
        set { makeUncommon().filter = newValue }
    }

    /// Who hears of bytes that have left, if anybody does.
    var writeProgress: (any WriteProgress)? {
        get { uncommon?.writeProgress }
        set { makeUncommon().writeProgress = newValue }
    }

    private func makeUncommon() -> UncommonState {
        if let uncommon { return uncommon }
        let uncommon = UncommonState()
        self.uncommon = uncommon
        return uncommon
    }

    // MARK: - Protocol

    var bufferedProtocol: (any BufferedProtocol)? { buffered?.receiver }

    var currentProtocol: (any ConnectionProtocol)? {
        if let streamProtocol { streamProtocol } else { bufferedProtocol }
    }

    override var anyProtocol: (any BaseProtocol)? { currentProtocol }
    override func callConnectionMade() throws { try currentProtocol?.connectionMade(self) }

    override func releaseProtocol() {
        streamProtocol = nil
        buffered?.receiver = nil
        uncommon?.filter = nil
        uncommon?.writeProgress = nil
    }

    func setProtocol(_ connectionProtocol: any ConnectionProtocol) {
        loop.checkThread("setProtocol")
        guard !isBeyondItsProtocol else { return }
        buffered?.receiverChanges(to: connectionProtocol)
        assign(connectionProtocol)
        markUnflushed()
    }

    func getProtocol() -> (any ConnectionProtocol)? {
        loop.checkThread("getProtocol")
        return currentProtocol
    }

    private func assign(_ connectionProtocol: any ConnectionProtocol) {
        let receiver = connectionProtocol as? any BufferedProtocol
        if receiver != nil, buffered == nil { buffered = BufferedReceiving() }
        buffered?.receiver = receiver
        streamProtocol = receiver == nil ? connectionProtocol as? any StreamProtocol : nil
        guard streamProtocol != nil || receiver != nil else {
            // Not a precondition: those lose their message in a release build.
            fatalError("\(type(of: connectionProtocol)) must be a StreamProtocol or a BufferedProtocol")
        }
    }

    // MARK: - The turn

    override func offer() { offerQueued() }

    override func reconcile() {
        if let filter { beforeFlush { filter.fill() } }
        reconcileReading()
        reconcileWriting()
    }

    override func operationCompleted(_ completion: Completion) {
        if loop.debug { timed { take(completion) } } else { take(completion) }
        tookCompletion()
    }

    @inline(__always)
    private func take(_ completion: Completion) {
        // The two that every message has.
        if completion.token.isOf(.receive) { return receiveCompleted(completion) }
        if completion.token.isOf(.sendNow) { return sendCompleted(completion) }
        switch completion.token.kind {
        case .receive, .pipeRead: receiveCompleted(completion)
        case .receiveInto, .pipeReadInto: receiveIntoCompleted(completion)
        case .sendNow, .sendMessageNow, .pipeWrite, .pipeWriteVector: sendCompleted(completion)
        case .waitUntilWritable: roomCame(completion)
        // Where the kernel cannot send a file, what was read of it is sent.
        case .send, .sendFile: fileStepCompleted(completion)
        default: waitCompleted(completion)
        }
    }

    // MARK: - Closing

    override var unsentByteCount: Int { writes.byteCount }
    override var isAllSent: Bool { writes.byteCount == 0 && fileSending == nil }

    override func connectionWasLost(_ error: (any Error)?) {
        uncommon?.heldBack = []
        writes.removeAllNotInFlight(pool: loop.buffers)
        fileSending?.lossReason = (error as? SocketError)?.errno
    }

    override func willReleaseUsersObjects() { filter?.loopIsClosed() }

    override var hasWorkInFlight: Bool {
        if case .idle = sendState { fileSending?.isInFlight == true } else { true }
    }

    override func releaseBuffers() {
        precondition(
            buffered?.hasBuffer != true || phase == .closed,
            "a transport closed while the kernel had its buffer"
        )
        buffered?.release()
        writes.discardAll(pool: loop.buffers)
    }

    // MARK: - What a pipe does otherwise

    /// What has to be waited for before there is anything to receive.
    var waitBeforeReceiving: IOOperation? { nil }
    func makeReceive() -> IOOperation { .receive(descriptor) }
    func makeReceive(into room: UnsafeMutableRawBufferPointer) -> IOOperation {
        .receiveInto(descriptor, room)
    }
    func makeSend() -> IOOperation { writes.makeSend(on: descriptor, pool: loop.buffers) }
    func sendAtOnce(_ bytes: UnsafeRawBufferPointer) -> Int {
        loop.sendWithoutWaiting(bytes, on: descriptor)
    }

    /// Whether a send asks the kernel as soon as it is submitted, and does not wait for room.
    var asksAtOnce: Bool { loop.asksForSendsAtOnce }

    /// All is sent, and nothing follows.
    func sendEnd() {
        // The peer may be gone: then the receive says so, or it does not matter.
        try? loop.system.shutdownWriting(descriptor)
    }

    /// Whether each direction has an end of its own.
    var hasTwoEnds: Bool { true }
    var canWriteEOF: Bool { true }
    /// Why a write is a mistake while the transport is open.
    var refusal: String { "write was called after writeEOF" }

    func failure(_ operation: SocketError.Operation, _ errno: Errno) -> any Error {
        SocketError(operation, errno, address: peerAddress)
    }

    /// An operation that moves no bytes is over.
    func waitCompleted(_ completion: Completion) {
        preconditionFailure("a transport does not submit \(completion.token)")
    }

    override var description: String {
        "transport of socket \(descriptor.rawValue) (\(phase), \(unsentByteCount) bytes to send)"
    }
}

/// What a transport has beyond what every connection needs.
private final class UncommonState {
    // Exclusivity: as of the transport whose it is.
    @exclusivity(unchecked) var heldBack: [UInt8] = []
    @exclusivity(unchecked) var heldBackErrno: Int32 = 0
    @exclusivity(unchecked) var fileSending: FileSending?
    @exclusivity(unchecked) var filter: (any TransportFilter)?
    @exclusivity(unchecked) var writeProgress: (any WriteProgress)?
}
