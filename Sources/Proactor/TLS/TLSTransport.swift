/// TLS between a program's protocol and the transport below: a transport to the one, and the protocol of the other.
///
/// ```
///              handshake        close()            all sealed           peer's close_notify, or its end of stream
///  handshaking ────────▶ open ─────────▶ closing ────────────▶ shuttingDown ───────────▶ ending ─────────▶ ended
///      │                  │                 │                        │                     ▲   connectionLost
///      └──────────────────┴─────────────────┴────────────────────────┴─────────────────────┘   from below
///        abort(), an error, a time-out; close() amid the handshake
/// ```
/// No phase comes back. When the transport below is lost by itself, any phase leads to `ended`. What the peer has said of its
/// end is apart from that (``TLSPeerEnd``): after its close_notify the protocol may still write, as after a plain end of stream.
///
/// It owns an engine, which knows the cryptography and nothing else, and lends it records: what the transport below has received, where
/// it lies, and room in the queue of what that one sends. What the protocol writes in a turn is gathered, and sealed when the
/// transport below is flushed (``TransportFilter/fill()``); more than that is sealed as the peer takes it.
///
/// Who holds whom: the transport below has this one as its protocol and filter until it is lost, and this one holds that one. The
/// engine and the program's protocol are let go of in ``connectionLost(_:)``.
final class TLSTransport: LayeredTransport, TransportFilter, StreamProtocol {
    let loop: BaseEventLoop
    let side: TLSSide
    let options: TLSOptions
    // Exclusivity: all of it belongs to the loop's thread; a checked access would cost more than the work it guards.

    /// What it stands on, from ``connectionMade(_:)`` on.
    @exclusivity(unchecked) private(set) var below: (any Transport)?
    /// The same, where it is the library's own.
    @exclusivity(unchecked) private(set) var own: (any LayeredTransport)?
    /// The same once more, where it is a socket's or a pipe's, for what every record asks of it: see ``withOwn(_:)``.
    @exclusivity(unchecked) private var floor: Unmanaged<StreamSocketTransport>?
    /// Until the connection is lost.
    @exclusivity(unchecked) private(set) var engine: (any TLSEngine)?
    let records = TLSRecords()
    @exclusivity(unchecked) private(set) var phase = TLSPhase.handshaking
    /// Why the connection will be lost, when that is not for the transport below to say.
    @exclusivity(unchecked) var lossReason: (any Error)?
    /// Whether all that was sealed went out after this side's close_notify: what becomes of the connection then is of no interest.
    @exclusivity(unchecked) var isAllOut = false

    // The protocol, by what it wants to be called with: one of the two is set until the connection is lost.
    @exclusivity(unchecked) var streamProtocol: (any StreamProtocol)?
    @exclusivity(unchecked) var bufferedProtocol: (any BufferedProtocol)?
    /// What whoever makes the connection carries, for the protocol's `connectionMade`, until the handshake is done.
    @exclusivity(unchecked) private var context: CapturedContext?
    /// Whether the protocol knows of the connection, and so hears of its end.
    @exclusivity(unchecked) private(set) var wasGreeted: Bool
    @exclusivity(unchecked) var filter: (any TransportFilter)?

    // Receiving.
    @exclusivity(unchecked) var isReadingPaused = false
    /// What came below and could not be opened yet: reading is paused, or the engine lacks room for an answer.
    @exclusivity(unchecked) var held: [UInt8] = []
    /// Whether the engine is at work on what has come.
    @exclusivity(unchecked) var isOpening = false
    /// Whether it has answers that find no room, as the peer does not read.
    @exclusivity(unchecked) var lacksRoom = false
    @exclusivity(unchecked) var willOpenLater = false
    @exclusivity(unchecked) var peerEnd = TLSPeerEnd.notYet
    @exclusivity(unchecked) var endIsDelivered = false
    /// Whether anything of the protocol's was received or written.
    @exclusivity(unchecked) var wasUsed = false

    // Sending.
    /// What is to be sealed.
    @exclusivity(unchecked) var plaintext = WriteQueue()
    @exclusivity(unchecked) var flow = FlowControl()
    /// Whether a transport below that is not the library's own has said to pause.
    @exclusivity(unchecked) var isBelowPaused = false
    /// Whether that one may have paused the protocol before an upgrade: it alone knows.
    @exclusivity(unchecked) var mayOweResume = false
    @exclusivity(unchecked) var willFillLater = false
    /// Whether sealing has stopped for want of a record of the peer, or of room.
    @exclusivity(unchecked) var isSealingStalled = false
    /// Whether the engine is in a call.
    @exclusivity(unchecked) var isCallingEngine = false
    @exclusivity(unchecked) var lateWrites: UInt8 = 0
    /// A file that is written, and what waits for its turn.
    @exclusivity(unchecked) var fileWriting: TLSFileWriting?

    // Ends.
    /// When the handshake, or later the shutdown, has taken too long.
    @exclusivity(unchecked) var stepTimer: TimerHandle?
    /// When the time that the program gave a close is over.
    @exclusivity(unchecked) var closeTimer: TimerHandle?
    /// What was to be sent when the time of a shutdown was looked at last.
    @exclusivity(unchecked) var unsentAtLook = 0
    /// Done when the handshake is; for who waits for that.
    @exclusivity(unchecked) private var handshakeWaiter: Future<Void>?

    /// Nothing happens before ``connectionMade(_:)``.
    ///
    /// - Parameter isUpgrade: the protocol has had its `connectionMade` by another transport.
    init(
        loop: BaseEventLoop,
        engine: any TLSEngine,
        side: TLSSide,
        options: TLSOptions,
        connectionProtocol: any ConnectionProtocol,
        isUpgrade: Bool = false
    ) {
        self.loop = loop
        self.engine = engine
        self.side = side
        self.options = options
        wasGreeted = isUpgrade
        assign(connectionProtocol)
    }

    var asTransport: any LayeredTransport { self }
    var server: Server? { own?.server }

    /// The only place where the phase changes.
    func advance(to next: TLSPhase) {
        precondition(phase.leads(to: next), "a TLS transport went from \(phase) to \(next)")
        phase = next
    }

    /// Calls the library's own transport below, if it is one. Counting references would cost more than most of these calls do.
    @inline(__always)
    func withOwn<Result>(_ body: (any LayeredTransport) -> Result) -> Result? {
        // `below` holds it as long as this transport lives.
        if let floor { floor._withUnsafeGuaranteedRef { body($0) } } else { own.map(body) }
    }

    // MARK: - Handshake

    func connectionMade(_ transport: any Transport) {
        begin(on: transport)
        // A client speaks first; a server may be given what had come before TLS.
        openHeld()
    }

    /// Takes over what is below, whose protocol it is.
    func begin(on transport: any Transport) {
        precondition(below == nil, "a TLS transport was put on two transports")
        below = transport
        own = transport as? any LayeredTransport
        own?.filter = self
        floor = (transport as? StreamSocketTransport).map { Unmanaged.passUnretained($0) }
        // Not retained: the records are this transport's own, and lent for calls of its own only.
        records.outlet = { [unowned(unsafe) self] bytes in putBelow(bytes) }
        let due = loop.time().advanced(by: options.handshakeTimeout)
        stepTimer = loop.timers.insert(.callback { self.handshakeTookTooLong() }, at: due)
        if !wasGreeted, loop.isWithinTask { context = CapturedContext(of: loop) }
    }

    /// Goes on with the handshake. Returns whether it is done.
    func handshake(by engine: any TLSEngine) -> Bool {
        do {
            let progress = try callEngine { () throws(TLSError) in try engine.handshake(records) }
            guard phase == .handshaking else { return false }
            switch progress {
            case .done:
                handshakeIsDone()
                return true
            case .needsRecords:
                if records.isAtEnd { throw TLSError(.handshake, .endOfStream, side: side) }
            case .needsRoom:
                waitForRoom()
            case .peerClosed:
                throw TLSError(.handshake, .endOfStream, side: side)
            }
        } catch {
            fail(error)
        }
        return false
    }

    /// Lends the engine the records, within `body`. What it puts goes below at once, and there may be somebody else's transport, which
    /// calls back: it may bring data, which is held, or be lost, so that ``phase`` is another afterwards.
    func callEngine<Result>(_ body: () throws(TLSError) -> Result) throws(TLSError) -> Result {
        precondition(!isCallingEngine, "a TLS engine was called within one of its calls")
        records.room = roomForAnswers
        isCallingEngine = true
        defer {
            isCallingEngine = false
            // The engine may have been reading of it.
            if !phase.isBeforeEnding { dropPlaintext() }
        }
        return try body()
    }

    private func handshakeIsDone() {
        stepTimer?.cancel()
        stepTimer = nil
        advance(to: .open)
        // What was paused before an upgrade may go on.
        markUnflushed()
        if !wasGreeted {
            wasGreeted = true
            let context = context.take()
            if let context { context.run { greet() } } else { greet() }
            context?.end()
        }
        endHandshakeWait(nil)
    }

    private func greet() {
        do { try currentProtocol?.connectionMade(self) } catch {
            protocolFailed(error, in: "connectionMade")
        }
    }

    private func handshakeTookTooLong() {
        guard phase == .handshaking else { return }
        lose(TLSError(.handshake, .timedOut(options.handshakeTimeout), side: side))
    }

    /// Returns when the handshake is done. Cancelling the task aborts the connection.
    ///
    /// - Throws: why it failed: ``TLSError``, what the transport below was lost by, `CancellationError`.
    nonisolated(nonsending) func untilOpen() async throws {
        if phase == .handshaking {
            let waiter = loop.createFuture()
            handshakeWaiter = waiter
            await waiter.untilDone { self.lose(CancellationError()) }
            handshakeWaiter = nil
            try waiter.result()
        } else if !wasOpened {
            throw handshakeFailure(lossReason)
        }
        guard Task.isCancelled else { return }
        // It has come all the same, and nobody wants it.
        abort()
        throw CancellationError()
    }

    /// Whether the handshake was ever done.
    @exclusivity(unchecked) private(set) var wasOpened = false

    /// Tells who waits for the handshake, the first time.
    func endHandshakeWait(_ error: (any Error)?) {
        if error == nil { wasOpened = true }
        guard let handshakeWaiter, handshakeWaiter.isPending else { return }
        if let error { handshakeWaiter.fail(error) } else { handshakeWaiter.succeed(()) }
    }

    /// What who waits is told.
    func handshakeFailure(_ error: (any Error)?) -> any Error {
        error
            ?? TLSError(
                .handshake,
                .endOfStream,
                side: side,
                detail: "the connection was closed on this side"
            )
    }

    // MARK: - Protocol

    var currentProtocol: (any ConnectionProtocol)? {
        if let streamProtocol { streamProtocol } else { bufferedProtocol }
    }

    func setProtocol(_ connectionProtocol: any ConnectionProtocol) {
        loop.checkThread("setProtocol")
        guard phase != .ended else { return }
        assign(connectionProtocol)
    }

    func getProtocol() -> (any ConnectionProtocol)? {
        loop.checkThread("getProtocol")
        return currentProtocol
    }

    private func assign(_ connectionProtocol: any ConnectionProtocol) {
        bufferedProtocol = connectionProtocol as? any BufferedProtocol
        streamProtocol = bufferedProtocol == nil ? connectionProtocol as? any StreamProtocol : nil
        guard streamProtocol != nil || bufferedProtocol != nil else {
            // Not a precondition: those lose their message in a release build.
            fatalError("\(type(of: connectionProtocol)) must be a StreamProtocol or a BufferedProtocol")
        }
    }

    /// The protocol threw: the mistake is reported, and this connection alone pays for it.
    func protocolFailed(_ error: any Error, in method: StaticString) {
        report(error, "\(method) threw an error; its transport is closed")
        lose(error)
    }

    func report(_ error: any Error, _ message: String) {
        var context = ExceptionContext(message: message, error: error)
        context.connectionProtocol = currentProtocol
        context.transport = self
        loop.callExceptionHandler(context)
    }

    /// Lets go of everything but what is below, which is lost.
    func release() {
        for timer in [stepTimer, closeTimer] { timer?.cancel() }
        (stepTimer, closeTimer) = (nil, nil)
        own?.filter = nil
        engine = nil
        context.take()?.end()
        held = []
        if !isCallingEngine { dropPlaintext() }
        filter = nil
        streamProtocol = nil
        bufferedProtocol = nil
    }

    /// Nothing of it is to be sealed any more.
    func dropPlaintext() {
        plaintext.removeAllNotInFlight(pool: loop.buffers)
    }

    deinit {
        // A loop that was closed has let go of it without a call.
        plaintext.discardAll(pool: loop.buffers)
    }

    // MARK: - What is known

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        loop.checkThread("extraInfo")
        if let value = engine?.extraInfo(key) { return value }
        // An engine may know better: a server can go on with another context.
        if key.name == ExtraInfoKey<any TLSProvider>.tlsContext.name { return options.context as? Value }
        return floorInfo(key)
    }

    /// What is known of the connection that all TLS stands on: one layer's cipher or certificate is not another's.
    private func floorInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        if let tls = below as? TLSTransport { return tls.floorInfo(key) }
        return below?.extraInfo(key)
    }

    var isClosing: Bool {
        loop.checkThread("isClosing")
        return phase != .handshaking && phase != .open
    }

    var idleTimeout: Duration? { below?.idleTimeout }

    func setIdleTimeout(_ timeout: Duration?) throws(EventLoopError) {
        loop.checkThread("setIdleTimeout")
        // Whatever moves here moves there.
        try below?.setIdleTimeout(timeout)
    }
}

extension TLSTransport: CustomStringConvertible {
    var description: String {
        let floor = below.map { "\($0)" } ?? "nothing"
        return "TLS transport (\(phase), \(plaintext.byteCount) bytes to seal) over \(floor)"
    }
}
