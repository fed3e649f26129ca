import SystemPackage

/// The transport of a connected stream socket, on every loop.
///
/// ```
///            close()                 all sent                      connectionLost was called,
///   open ─────────────▶ flushing ──────────────▶ lost ───────────────────────────────────────▶ closed
///     │                                           ▲          and no operation is in flight
///     └───────────────────────────────────────────┘
///          abort(), or an error; close() with nothing to send
/// ```
/// What it wants of the kernel is derived from its state once a turn, in ``flush()``: a receive while it reads, a send while
/// it has bytes. A method called by the protocol therefore never meets a half-done submission.
///
/// ``PipeTransport`` is the same over a pipe: what differs is in the methods under "What a pipe does otherwise".
class StreamSocketTransport: LoopTransport, Transport {
    enum Phase: UInt8 {
        case open
        case flushing
        case lost
        case closed
    }

    let socket: FileDescriptor
    /// Asked once, while it can be: a connection that was reset has no peer any more, and that is when it is wanted.
    let peerAddress: SocketAddress?

    // Exclusivity: a transport belongs to the loop's thread; a checked access would cost more than the work it guards.
    @exclusivity(unchecked) var phase = Phase.open
    // The protocol, by what it wants to be called with: one of the two is set until the connection is lost.
    @exclusivity(unchecked) var streamProtocol: (any StreamProtocol)?
    @exclusivity(unchecked) var bufferedProtocol: (any BufferedProtocol)?

    @exclusivity(unchecked) var readState = ReadState.idle
    /// Whether the protocol asked for a pause.
    @exclusivity(unchecked) var isReadingPaused = false
    @exclusivity(unchecked) var endOfStream = EndOfStream.notSeen
    /// The error that was the end of the stream, while it is held back, or zero.
    @exclusivity(unchecked) var heldBackErrno: Int32 = 0
    /// What came while reading was paused: at most what the kernel had handed over already.
    @exclusivity(unchecked) var heldBack: [UInt8] = []
    /// The protocol's buffer, while the kernel fills it.
    @exclusivity(unchecked) var receiveBuffer: OwnedBuffer?
    /// Whether that buffer came from a protocol that has been replaced since.
    @exclusivity(unchecked) var receiveBufferIsForeign = false

    @exclusivity(unchecked) var writes = WriteQueue()
    @exclusivity(unchecked) var flow = FlowControl()
    @exclusivity(unchecked) var sendToken = OperationToken(rawValue: 0)
    @exclusivity(unchecked) var writeEnd = WriteEnd.open
    /// Whether anything was received or written.
    @exclusivity(unchecked) var isUsed = false
    /// Writes that came too late.
    @exclusivity(unchecked) var lostWrites: UInt8 = 0
    /// What keeps everybody else from writing.
    @exclusivity(unchecked) var fileSending: FileSending?
    @exclusivity(unchecked) private var connectionLostWasCalled = false

    /// Takes over a connected socket. Nothing happens before ``start()``.
    init(
        loop: BaseEventLoop,
        socket: FileDescriptor,
        connectionProtocol: any ConnectionProtocol,
        server: Server? = nil,
        hasPeerAddress: Bool = true
    ) {
        self.socket = socket
        peerAddress = hasPeerAddress ? try? loop.backend.system.peerAddress(of: socket) : nil
        super.init(loop: loop, server: server)
        assign(connectionProtocol)
        loop.own(socket)
        loop.openTransports.insert(self)
        server?.transportOpened()
    }

    /// Tells the protocol, then begins to receive.
    func start() {
        do {
            try currentProtocol?.connectionMade(self)
        } catch {
            protocolFailed(error, in: "connectionMade")
        }
        markUnflushed()
    }

    // MARK: - Protocol

    var currentProtocol: (any ConnectionProtocol)? {
        if let streamProtocol { streamProtocol } else { bufferedProtocol }
    }

    func setProtocol(_ connectionProtocol: any ConnectionProtocol) {
        loop.checkThread("setProtocol")
        guard phase != .closed, !connectionLostWasCalled else { return }
        if receiveBuffer != nil, connectionProtocol !== currentProtocol { receiveBufferIsForeign = true }
        assign(connectionProtocol)
        markUnflushed()
    }

    func getProtocol() -> (any ConnectionProtocol)? {
        loop.checkThread("getProtocol")
        return currentProtocol
    }

    private func assign(_ connectionProtocol: any ConnectionProtocol) {
        bufferedProtocol = connectionProtocol as? any BufferedProtocol
        streamProtocol = bufferedProtocol == nil ? connectionProtocol as? any StreamProtocol : nil
        precondition(
            streamProtocol != nil || bufferedProtocol != nil,
            "\(type(of: connectionProtocol)) must be a StreamProtocol or a BufferedProtocol"
        )
    }

    // MARK: - The turn

    /// Asks for a ``flush()`` at the end of the turn.
    @inline(__always)
    func markUnflushed() {
        guard !isInFlushList, phase != .closed else { return }
        isInFlushList = true
        loop.unflushed.append(self)
    }

    override func flush() -> Bool {
        isInFlushList = false
        reconcileReading()
        reconcileWriting()
        return phase == .lost && closeIfQuiet()
    }

    override func operationCompleted(_ completion: Completion) {
        if loop.debug { takeTimed(completion) } else { take(completion) }
        if phase == .lost { markUnflushed() }
    }

    @inline(__always)
    private func take(_ completion: Completion) {
        switch completion.token.kind {
        case .receive, .pipeRead: receiveCompleted(completion)
        case .receiveInto, .pipeReadInto: receiveIntoCompleted(completion)
        case .send, .sendMessage, .pipeWrite, .pipeWriteVector: sendCompleted(completion)
        case .sendFile: fileStepCompleted(completion)
        default: waitCompleted(completion)
        }
    }

    /// Debug mode: a protocol that is slow in its callback holds up everything else.
    private func takeTimed(_ completion: Completion) {
        let start = loop.time()
        let receiver = currentProtocol.map { "\(type(of: $0))" } ?? "no protocol"
        take(completion)
        loop.reportIfSlow("a callback of \(receiver)", since: start)
    }

    // MARK: - Closing

    var isClosing: Bool {
        loop.checkThread("isClosing")
        return phase != .open
    }

    func close() {
        loop.checkThread("close")
        guard phase == .open else { return }
        phase = .flushing
        markUnflushed()
        if writes.byteCount == 0, fileSending == nil { loseConnection(nil) }
    }

    override func abort() {
        loop.checkThread("abort")
        loseConnection(nil)
    }

    /// The connection is of no more use: `connectionLost` follows in the next turn. The first reason counts.
    func loseConnection(_ error: (any Error)?) {
        guard phase == .open || phase == .flushing else { return }
        phase = .lost
        heldBack = []
        writes.removeAllNotInFlight(pool: loop.buffers)
        fileSending?.lossReason = (error as? SocketError)?.errno
        markUnflushed()
        loop.ready.push(.callback { self.callConnectionLost(error) })
    }

    /// The protocol threw: the mistake is reported, and this transport alone pays for it.
    func protocolFailed(_ error: any Error, in method: StaticString) {
        var context = ExceptionContext(
            message: "\(method) threw an error; its transport is closed",
            error: error
        )
        context.connectionProtocol = currentProtocol
        context.transport = self
        loop.callExceptionHandler(context)
        loseConnection(error)
    }

    private func callConnectionLost(_ error: (any Error)?) {
        let lostProtocol = currentProtocol
        streamProtocol = nil
        bufferedProtocol = nil
        connectionLostWasCalled = true
        lostProtocol?.connectionLost(error)
        server?.transportClosed()
        server = nil
        markUnflushed()
    }

    /// Closes the socket once nobody needs it: neither the protocol, nor an operation in the kernel. Closing under an
    /// operation would keep the peer from seeing the end, and the descriptor's next user could get its completion.
    private func closeIfQuiet() -> Bool {
        guard connectionLostWasCalled, readState == .idle, !writes.isInFlight else { return false }
        guard fileSending?.isInFlight != true, !isWaiting else { return false }
        precondition(receiveBuffer == nil, "a transport closed while the kernel had its buffer")
        writes.removeAllNotInFlight(pool: loop.buffers)
        phase = .closed
        loop.disown(socket)
        loop.backend.submit(.close(socket), owner: nil)
        return true
    }

    override func closeWithLoop() {
        guard phase != .closed else { return }
        phase = .closed
        streamProtocol = nil
        bufferedProtocol = nil
        server = nil
        try? loop.backend.system.close(socket)
        // The backend keeps those for good whose operations it could not see end: the kernel may still use their memory.
        guard loop.backend.operationCount == 0 else { return }
        receiveBuffer = nil
        writes.discardAll(pool: loop.buffers)
    }

    // MARK: - What a pipe does otherwise

    /// What has to be waited for before there is anything to receive.
    var waitBeforeReceiving: IOOperation? { nil }
    func makeReceive() -> IOOperation { .receive(socket) }
    func makeReceive(into room: UnsafeMutableRawBufferPointer) -> IOOperation { .receiveInto(socket, room) }
    func makeSend() -> IOOperation { writes.makeSend(on: socket, pool: loop.buffers) }
    func sendAtOnce(_ bytes: UnsafeRawBufferPointer) -> Int {
        loop.backend.system.sendWithoutWaiting(bytes, on: socket)
    }

    /// All is sent, and nothing follows.
    func sendEnd() {
        // The peer may be gone: then the receive says so, or it does not matter.
        try? loop.backend.system.shutdownWriting(socket)
    }

    /// Whether each direction has an end of its own.
    var hasTwoEnds: Bool { true }
    var canWriteEOF: Bool { true }
    /// Why a write is a mistake while the transport is open.
    var refusal: String { "write was called after writeEOF" }

    func failure(_ operation: SocketError.Operation, _ errno: Errno) -> any Error {
        SocketError(operation, errno, address: peerAddress)
    }

    /// Whether an operation is in flight that moves no bytes.
    var isWaiting: Bool { false }
    func waitCompleted(_ completion: Completion) {
        preconditionFailure("a transport does not submit \(completion.token)")
    }

    // MARK: - What is known

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        loop.checkThread("extraInfo")
        if key.name == ExtraInfoKey<SocketAddress>.peerName.name { return peerAddress as? Value }
        guard phase != .closed else { return nil }
        let handle = TransportSocket(socket, of: loop)
        switch key.name {
        case ExtraInfoKey<SocketAddress>.socketName.name: return (try? handle.localAddress()) as? Value
        case ExtraInfoKey<TransportSocket>.socket.name: return handle as? Value
        default: return nil
        }
    }

    override var description: String {
        "transport of socket \(socket.rawValue) (\(phase), \(writes.byteCount) bytes to send)"
    }
}
