import SystemPackage

/// The transport of a datagram socket, on every loop.
///
/// ```
///            close()                 all sent                      connectionLost was called,
///   open ─────────────▶ flushing ──────────────▶ lost ───────────────────────────────────────▶ closed
///     │                                           ▲          and no operation is in flight
///     └───────────────────────────────────────────┘
///          abort(), or a broken socket; close() with nothing to send
/// ```
/// As for a stream, what it wants of the kernel is derived from its state once a turn, in ``flush()``. What was sent in the
/// turn then goes out by one call that does not wait, in order; only a datagram for which the kernel has no room is handed
/// over as an operation, one at a time.
final class DatagramSocketTransport: LoopTransport, DatagramTransport {
    enum Phase: UInt8 {
        case open
        case flushing
        case lost
        case closed
    }

    let socket: FileDescriptor
    /// Where datagrams without an address go, and no others may.
    let remoteAddress: SocketAddress?
    /// Whether the kernel knows ``remoteAddress``, and lets nothing else in.
    let isConnected: Bool
    let isUnix: Bool

    // Exclusivity: a transport belongs to the loop's thread; a checked access would cost more than the work it guards.
    @exclusivity(unchecked) var phase = Phase.open
    /// Until the endpoint is lost.
    @exclusivity(unchecked) var datagramProtocol: (any DatagramProtocol)?
    @exclusivity(unchecked) var readState = ReadState.idle
    @exclusivity(unchecked) var queue = DatagramQueue()
    @exclusivity(unchecked) var sendState = DatagramSendState.idle
    @exclusivity(unchecked) var flow = FlowControl()
    /// What was sent too late.
    @exclusivity(unchecked) var lostDatagrams: UInt8 = 0
    @exclusivity(unchecked) private var connectionLostWasCalled = false

    /// The source that the last datagram of a Unix socket had: to make a path of its bytes each time would cost an allocation.
    @exclusivity(unchecked) private var lastSource = SocketAddress.unixUnnamed
    @exclusivity(unchecked) private var lastSourceForm: [UInt8] = []

    // The kernel's, while operations are in flight: the table keeps the transport until they are over.
    private let reception: UnsafeMutablePointer<DatagramReception>
    let waiting = WaitingDatagram()

    /// Takes over a socket. Nothing happens before ``start()``.
    init(
        loop: BaseEventLoop,
        socket: FileDescriptor,
        family: AddressFamily,
        remoteAddress: SocketAddress?,
        isConnected: Bool,
        datagramProtocol: any DatagramProtocol
    ) {
        self.socket = socket
        self.remoteAddress = remoteAddress
        self.isConnected = isConnected
        self.datagramProtocol = datagramProtocol
        isUnix = family == .unix
        reception = DatagramReception.allocate(for: family)
        super.init(loop: loop)
        loop.own(socket)
        loop.openTransports.insert(self)
    }

    deinit {
        reception.deallocate()
    }

    /// Tells the protocol, then begins to receive.
    func start() {
        do {
            try datagramProtocol?.connectionMade(self)
        } catch {
            report(error, in: "connectionMade")
            loseConnection(error)
        }
        markUnflushed()
    }

    // MARK: - Protocol

    func setProtocol(_ datagramProtocol: any DatagramProtocol) {
        loop.checkThread("setProtocol")
        guard phase != .closed, !connectionLostWasCalled else { return }
        self.datagramProtocol = datagramProtocol
    }

    func getProtocol() -> (any DatagramProtocol)? {
        loop.checkThread("getProtocol")
        return datagramProtocol
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
        reconcileSending()
        reconcileReceiving()
        return phase == .lost && closeIfQuiet()
    }

    override func operationCompleted(_ completion: Completion) {
        if loop.debug { takeTimed(completion) } else { take(completion) }
        if phase == .lost { markUnflushed() }
    }

    @inline(__always)
    private func take(_ completion: Completion) {
        switch completion.token.kind {
        case .receiveDatagrams: receiveCompleted(completion)
        case .sendMessage: sendCompleted(completion)
        default: preconditionFailure("a datagram transport does not submit \(completion.token)")
        }
    }

    /// Debug mode: a protocol that is slow in its callback holds up everything else.
    private func takeTimed(_ completion: Completion) {
        let start = loop.time()
        let receiver = datagramProtocol.map { "\(type(of: $0))" } ?? "no protocol"
        take(completion)
        loop.reportIfSlow("a callback of \(receiver)", since: start)
    }

    // MARK: - Receiving

    private func reconcileReceiving() {
        switch readState {
        case .idle:
            guard phase == .open else { return }
            readState = .receiving(loop.backend.submit(.receiveDatagrams(socket, reception), owner: self))
        case .receiving(let token):
            guard phase != .open else { return }
            readState = .stopping(token)
            loop.backend.cancel(token)
        case .stopping:
            break
        }
    }

    private func receiveCompleted(_ completion: Completion) {
        if completion.isFinal {
            precondition(readState != .idle, "a receive completed that was not in flight")
            readState = .idle
            // It ends with each error, and goes on all the same.
            markUnflushed()
        }
        guard phase == .open else { return }
        if let errno = completion.errno { return receiveFailed(errno) }
        guard let source = source() else { return receiveFailed(.addressFamilyNotSupported) }
        guard !reception.pointee.isTruncated else {
            datagramProtocol?.errorReceived(SocketError(.receive, .messageTooLong, address: source))
            return
        }
        do {
            // The bytes live for the call: the backend holds them.
            try datagramProtocol?.datagramReceived(completion.bytes.bytes, from: source)
        } catch {
            report(error, in: "datagramReceived")
        }
    }

    /// Where the datagram came from that is delivered now.
    @inline(__always)
    private func source() -> SocketAddress? {
        // It lives as long as the completion's bytes do.
        let form = reception.pointee.source
        guard isUnix else { return SocketAddress(kernelForm: form) }
        if !form.elementsEqual(lastSourceForm) {
            guard let source = SocketAddress(kernelForm: form) else { return nil }
            lastSource = source
            lastSourceForm = Array(form)
        }
        return lastSource
    }

    private func receiveFailed(_ errno: Errno) {
        let error = SocketError(.receive, errno, address: remoteAddress)
        switch errno {
        case .canceled:
            return
        case .badFileDescriptor, .notSocket, .invalidArgument, .badAddress, .notSupported,
            .noMemory:
            // It would fail again and again.
            loseConnection(error)
        default:
            // The fate of a datagram that was sent before, as a rule.
            datagramProtocol?.errorReceived(error)
        }
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
        if queue.isEmpty { loseConnection(nil) }
    }

    override func abort() {
        loop.checkThread("abort")
        loseConnection(nil)
    }

    /// The endpoint is of no more use: `connectionLost` follows in the next turn. The first reason counts.
    func loseConnection(_ error: (any Error)?) {
        guard phase == .open || phase == .flushing else { return }
        phase = .lost
        queue.removeAll(keepingFirst: sendState.isInKernel, pool: loop.buffers)
        markUnflushed()
        loop.ready.push(.callback { self.callConnectionLost(error) })
    }

    private func callConnectionLost(_ error: (any Error)?) {
        let lostProtocol = datagramProtocol
        datagramProtocol = nil
        connectionLostWasCalled = true
        lostProtocol?.connectionLost(error)
        markUnflushed()
    }

    /// Closes the socket once nobody needs it: neither the protocol, nor an operation in the kernel.
    private func closeIfQuiet() -> Bool {
        guard connectionLostWasCalled, readState == .idle, case .idle = sendState else { return false }
        queue.removeAll(keepingFirst: false, pool: loop.buffers)
        phase = .closed
        loop.disown(socket)
        loop.backend.submit(.close(socket), owner: nil)
        return true
    }

    override func closeWithLoop() {
        guard phase != .closed else { return }
        phase = .closed
        datagramProtocol = nil
        try? loop.backend.system.close(socket)
        // The backend keeps those for good whose operations it could not see end: the kernel may still use their memory.
        guard loop.backend.operationCount == 0 else { return }
        queue.removeAll(keepingFirst: false, pool: loop.buffers)
    }

    // MARK: - What is known

    /// The protocol threw: the mistake is reported.
    private func report(_ error: any Error, in method: StaticString) {
        var context = ExceptionContext(message: "\(method) threw an error", error: error)
        context.connectionProtocol = datagramProtocol
        context.transport = self
        loop.callExceptionHandler(context)
    }

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        loop.checkThread("extraInfo")
        if key.name == ExtraInfoKey<SocketAddress>.peerName.name {
            return isConnected ? remoteAddress as? Value : nil
        }
        guard phase != .closed else { return nil }
        let handle = TransportSocket(socket, of: loop)
        switch key.name {
        case ExtraInfoKey<SocketAddress>.socketName.name: return (try? handle.localAddress()) as? Value
        case ExtraInfoKey<TransportSocket>.socket.name: return handle as? Value
        default: return nil
        }
    }

    override var description: String {
        "transport of datagram socket \(socket.rawValue) (\(phase), \(queue.byteCount) bytes to send)"
    }
}
