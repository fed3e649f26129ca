import SystemPackage

/// What a transport's receiving side has in the kernel.
enum ReadState: Equatable {
    /// Nothing.
    case idle
    /// A receive.
    case receiving(OperationToken)
    /// A receive that was asked to end; until its final completion it may still bring data.
    case stopping(OperationToken)
}

/// A ``ReadState`` without its token.
private enum ReadPhase: UInt8 {
    case idle
    case receiving
    case stopping
}

/// What every transport of a loop is, whatever it moves: a descriptor, a turn in which it submits what it wants, and an end.
///
/// ```
///           close()              all sent        connectionLost called          nothing in flight
///   open ────────────▶ flushing ──────────▶ lost ──────────────────────▶ draining ──────────────▶ closed
///     │                                      ▲
///     └──────────────────────────────────────┘
///      abort(), or an error; close() with nothing to send
/// ```
/// That is the only way to close, for sockets, pipes and datagrams alike. No phase comes back. A loop that closes takes its
/// transports from wherever they are to `closed`.
///
/// What a transport wants of the kernel is derived from its state once a turn, in ``flush()``. A method called by the protocol
/// therefore never meets a half-done submission.
class LoopTransport: CompletionOwner, BaseTransport, RegistryMember, SocketOwner {
    /// How far a transport's end has come.
    enum Phase {
        /// It serves its protocol.
        case open
        /// This side has closed it, and what was written is still to be sent.
        case flushing
        /// It is of no more use. The protocol hears so in the next turn.
        case lost
        /// The protocol was told and is gone; what is in flight comes to its end.
        case draining
        /// The descriptor is closed, or given to the operation that closes it.
        case closed

        /// Whether there is a step from this phase to `next`.
        func leads(to next: Phase) -> Bool {
            switch next {
            case .open: false
            case .flushing: self == .open
            case .lost: self == .open || self == .flushing
            case .draining: self == .lost
            // From any phase when the loop closes.
            case .closed: self != .closed
            }
        }
    }

    let loop: BaseEventLoop
    /// The socket or pipe. The transport owns it.
    final let descriptor: FileDescriptor
    final var registryIndex: Int32 = -1
    private let compactPeerAddress: CompactAddress
    /// The server that accepted it, until the connection is lost.
    final var server: Server?
    // Exclusivity: a transport belongs to the loop's thread; a checked access would cost more than the work it guards. Small fields
    // lie together: an idle connection is little more than this object.
    @exclusivity(unchecked) final var flow = FlowControl()
    @exclusivity(unchecked) final private(set) var phase = Phase.open
    /// Whether it asked for a flush since the last one.
    @exclusivity(unchecked) final private(set) var isUnflushed = false
    /// Whether the program has closed or aborted it.
    @exclusivity(unchecked) final private(set) var wasEndedByUser = false
    /// How many writes came too late.
    @exclusivity(unchecked) final var lateWrites: UInt8 = 0
    /// Whether the socket may have been told to linger at its close: the program made it, or has its number. To ask the kernel at
    /// every close would cost each short connection a system call.
    @exclusivity(unchecked) final var mayLinger = false
    /// Whether the peer is to be told of the end by a reset.
    @exclusivity(unchecked) final var resetsAtEnd = false
    @exclusivity(unchecked) private var readPhase = ReadPhase.idle
    /// Of the receive, unless there is none.
    @exclusivity(unchecked) private var readToken = OperationToken(rawValue: 0)
    /// What the clock does to it, where that was asked for.
    @exclusivity(unchecked) final var deadlines: TransportDeadlines?

    /// Takes over a descriptor. Nothing happens before ``start()``.
    init(loop: BaseEventLoop, descriptor: FileDescriptor, peerAddress: SocketAddress?, server: Server? = nil)
    {
        self.loop = loop
        self.descriptor = descriptor
        compactPeerAddress = CompactAddress(peerAddress)
        self.server = server
        super.init()
        loop.own(descriptor)
        loop.openTransports.insert(self)
    }

    /// Tells the protocol, then begins to receive.
    final func start() {
        do { try callConnectionMade() } catch { protocolFailed(error, in: "connectionMade") }
        markUnflushed()
    }

    // MARK: - The turn

    /// Asks for a ``flush()`` at the end of the turn.
    @inline(__always)
    final func markUnflushed() {
        guard !isUnflushed, phase != .closed else { return }
        isUnflushed = true
        loop.unflushed.append(Unmanaged.passUnretained(self))
    }

    /// Brings what is in flight in line with the state. Called by the loop, at the end of a turn. Returns whether the
    /// transport is closed now, and the loop can let go of it.
    final func flush() -> Bool {
        isUnflushed = false
        reconcile()
        return phase == .draining && closeIfQuiet()
    }

    /// Does what comes first in ``reconcile()``: what it marks is looked at by that, and needs no flush of its own.
    @inline(__always)
    final func beforeFlush(_ body: () -> Void) {
        isUnflushed = true
        body()
        isUnflushed = false
    }

    /// What every completion ends with.
    @inline(__always)
    final func tookCompletion() {
        if phase == .draining { markUnflushed() }
    }

    /// Takes what a completion brings, by `body`, in debug mode: a protocol that is slow in its callback holds up everything else.
    /// Where nothing is timed no closure is made, which would count a reference for each completion.
    @inline(never)
    final func timed(_ body: () -> Void) {
        let start = loop.time()
        let receiver = anyProtocol.map { "\(type(of: $0))" } ?? "no protocol"
        body()
        loop.reportIfSlow("a callback of \(receiver)", since: start)
    }

    // MARK: - Receiving

    /// Kept in two parts, which take less of an idle connection's memory.
    final var readState: ReadState {
        get {
            switch readPhase {
            case .idle: .idle
            case .receiving: .receiving(readToken)
            case .stopping: .stopping(readToken)
            }
        }
        set {
            switch newValue {
            case .idle: readPhase = .idle
            case .receiving(let token): (readPhase, readToken) = (.receiving, token)
            case .stopping(let token): (readPhase, readToken) = (.stopping, token)
            }
        }
    }

    /// A receive is over.
    final func receiveEnded() {
        precondition(readState != .idle, "a receive completed that was not in flight")
        precondition(phase != .closed, "a descriptor was closed before its receive had ended")
        readState = .idle
        // A stopped receive may be wanted again by now, and a single one always is.
        markUnflushed()
    }

    final func stopReceiving(_ token: OperationToken) {
        readState = .stopping(token)
        loop.backend.cancel(token)
    }

    // MARK: - Errors in the socket's queue

    /// How much of an error queue one turn takes, so that the rest of the loop has its turn too.
    private static let queuedErrorsMax = 64

    override func takeQueuedErrors() -> Bool {
        takeQueuedErrors { _ in }
    }

    /// Empties the socket's error queue, and shows `body` what was in it.
    final func takeQueuedErrors(_ body: (QueuedError) -> Void) -> Bool {
        for index in 0..<Self.queuedErrorsMax {
            guard let error = loop.system.takeQueuedError(of: descriptor) else { return index > 0 }
            body(error)
        }
        return true
    }

    // MARK: - Closing

    /// The only place where the phase changes.
    private func advance(to next: Phase) {
        precondition(phase.leads(to: next), "a transport went from \(phase) to \(next)")
        phase = next
    }

    final var isClosing: Bool {
        loop.checkThread("isClosing")
        return phase != .open
    }

    /// Whether it has not been closed, or has still to send before it is.
    final var isOpenOrFlushing: Bool { phase == .open || phase == .flushing }

    /// Whether there will be no protocol any more.
    final var isBeyondItsProtocol: Bool { phase == .draining || phase == .closed }

    final func close() {
        loop.checkThread("close")
        wasEndedByUser = true
        beginClosing()
    }

    /// As ``close()``, without the program's doing.
    final func beginClosing() {
        guard phase == .open else { return }
        advance(to: .flushing)
        markUnflushed()
        if isAllSent { loseConnection(nil) }
    }

    final func abort() {
        loop.checkThread("abort")
        wasEndedByUser = true
        loseConnection(nil)
    }

    /// The transport is of no more use: `connectionLost` follows in the next turn. The first reason counts.
    final func loseConnection(_ error: (any Error)?) {
        guard isOpenOrFlushing else { return }
        advance(to: .lost)
        deadlines?.end()
        connectionWasLost(error)
        markUnflushed()
        loop.ready.push(.callback { self.callConnectionLost(error) })
    }

    private func callConnectionLost(_ error: (any Error)?) {
        let lostProtocol = anyProtocol
        releaseProtocol()
        advance(to: .draining)
        lostProtocol?.connectionLost(error)
        server?.transportClosed()
        server = nil
        markUnflushed()
    }

    /// Closes the descriptor once no operation needs it. Closing under an operation would keep the peer from seeing the end,
    /// and the descriptor's next user could get its completion.
    private func closeIfQuiet() -> Bool {
        guard readState == .idle, !hasWorkInFlight else { return false }
        releaseBuffers()
        advance(to: .closed)
        willClose()
        loop.disown(descriptor)
        if mayLinger { loop.system.stopLingering(descriptor) }
        if resetsAtEnd { loop.system.resetConnection(descriptor) }
        loop.backend.submit(closesSlowly ? .closeFile(descriptor) : .close(descriptor), owner: nil)
        return true
    }

    final func closeWithLoop(inFork: Bool) {
        guard phase != .closed else { return }
        advance(to: .closed)
        willCloseWithLoop(inFork: inFork)
        let system = loop.system
        if resetsAtEnd, !inFork { system.resetConnection(descriptor) }
        if closesSlowly { system.closeElsewhere(descriptor) } else { try? system.close(descriptor) }
        // The backend keeps those for good whose operations it could not see end: the kernel may still use their memory.
        if loop.backend.operationCount == 0, !inFork { releaseBuffers() }
    }

    final func releaseUsersObjects() {
        willReleaseUsersObjects()
        releaseProtocol()
        server.take()?.loopClosed()
    }

    final var hasSocket: Bool { phase != .closed }
    final func socketWasShown() { mayLinger = true }

    // MARK: - Mistakes of the protocol

    /// The protocol threw: the mistake is reported, and this transport alone pays for it.
    final func protocolFailed(_ error: any Error, in method: StaticString) {
        report(error, "\(method) threw an error; its transport is closed")
        loseConnection(error)
    }

    final func report(_ error: any Error, _ message: String) {
        var context = ExceptionContext(message: message, error: error)
        context.connectionProtocol = anyProtocol
        context.transport = self
        loop.callExceptionHandler(context)
    }

    // MARK: - What is known

    /// The only one whom it sends to and receives from, when known.
    final var peerAddress: SocketAddress? { compactPeerAddress.address }

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        loop.checkThread("extraInfo")
        if key.name == ExtraInfoKey<SocketAddress>.peerName.name { return peerAddress as? Value }
        guard phase != .closed else { return nil }
        let handle = TransportSocket(descriptor, of: loop, owner: self)
        switch key.name {
        case ExtraInfoKey<SocketAddress>.socketName.name: return (try? handle.localAddress()) as? Value
        case ExtraInfoKey<TransportSocket>.socket.name: return handle as? Value
        case ExtraInfoKey<PeerCredentials>.peerCredentials.name:
            return (try? handle.peerCredentials()) as? Value
        default: return nil
        }
    }

    var description: String {
        "transport of \(descriptor.rawValue) (\(phase), \(unsentByteCount) bytes to send)"
    }

    // MARK: - What each kind has to say

    /// The protocol, until it was told that the connection is lost.
    var anyProtocol: (any BaseProtocol)? { preconditionFailure("a transport must know its protocol") }
    func callConnectionMade() throws { preconditionFailure("a transport must greet its protocol") }
    func releaseProtocol() { preconditionFailure("a transport must let go of its protocol") }

    /// Submits what the state wants, and cancels what it does not want any more.
    func reconcile() { preconditionFailure("a transport must flush what it asked a flush for") }
    /// Offers to the kernel at once what the next flush would offer.
    func offer() { preconditionFailure("a transport must offer what it has") }
    /// Bytes that were written and that the kernel has not taken.
    var unsentByteCount: Int { preconditionFailure("a transport must know what it has to send") }
    /// Whether closing the descriptor may take long, and is not for the loop's thread.
    var closesSlowly: Bool { false }
    /// Whether a close has nothing to wait for.
    var isAllSent: Bool { unsentByteCount == 0 }
    /// Drops what nobody is to get any more, but for what the kernel holds.
    func connectionWasLost(_ error: (any Error)?) { preconditionFailure("a transport must drop what it has") }
    /// Whether it waits for a completion, or a timer, besides a receive.
    var hasWorkInFlight: Bool { preconditionFailure("a transport must know what is in flight") }
    /// Gives up what it has besides the descriptor, which is closed next: nothing is in flight.
    func willClose() {}
    /// The same where the loop closes, and no operation can be submitted any more.
    func willCloseWithLoop(inFork: Bool) {}
    /// The loop is closed, and the protocol will be let go of without another call.
    func willReleaseUsersObjects() {}
    /// Gives all memory back: nothing is in flight.
    func releaseBuffers() { preconditionFailure("a transport must give its memory back") }
}

/// When a protocol is told to stop and to go on writing.
struct FlowControl: BitwiseCopyable {
    private static let defaultHigh = 64 * 1024

    /// Above it the protocol is paused, in bytes.
    private(set) var high: Int32 = Int32(defaultHigh)
    /// At or below it the protocol is resumed, in bytes.
    private(set) var low: Int32 = Int32(defaultHigh / 4)
    /// Whether the protocol was told to pause and not yet to go on.
    var isPaused = false

    mutating func setLimits(high: Int?, low: Int?) throws(EventLoopError) {
        let newHigh =
            high ?? low.map { $0.multipliedReportingOverflow(by: 4).partialValue } ?? Self.defaultHigh
        let newLow = low ?? newHigh / 4
        guard newLow >= 0, newHigh >= newLow, newHigh <= Int(Int32.max) else {
            throw .invalidArgument(
                "write buffer limits must be 0 <= low (\(newLow)) <= high (\(newHigh)) < 2 GiB"
            )
        }
        self.high = Int32(newHigh)
        self.low = Int32(newLow)
    }
}
