import SystemPackage

/// What a datagram transport's sending side waits for.
enum DatagramSendState {
    /// Nothing.
    case idle
    /// The first datagram of the queue is in flight: the kernel had no room for it.
    case waiting(OperationToken)
    /// The receiver of a connected Unix socket is full: an operation tells when it has room.
    case waitingForRoom(OperationToken)
    /// A Unix socket's receiver is full, and is tried again after a while.
    case resting(TimerHandle)

    /// Whether the kernel has the queue's first datagram.
    var isInKernel: Bool { if case .waiting = self { true } else { false } }
}

/// The transport of a datagram socket, on every loop.
///
/// What was sent in a turn goes out at its end by one call that does not wait, in order; only a datagram for which the kernel
/// has no room is handed over as an operation, one at a time.
final class DatagramSocketTransport: LoopTransport, DatagramTransport {
    /// Where datagrams without an address go, and no others may.
    let remoteAddress: SocketAddress?
    /// Whether the kernel knows ``remoteAddress``, and lets nothing else in.
    let isConnected: Bool
    let isUnix: Bool
    /// The only one whom anything is taken from, as the kernel names it.
    private let onlySource: SocketAddress?

    // Exclusivity: a transport belongs to the loop's thread; a checked access would cost more than the work it guards.
    /// Until the endpoint is lost.
    @exclusivity(unchecked) var datagramProtocol: (any DatagramProtocol)?
    /// Who hears what becomes of each datagram, if anybody does.
    @exclusivity(unchecked) var sendProgress: (any DatagramProgress)?
    /// Whether nothing is wanted for now.
    @exclusivity(unchecked) var isReceivingPaused = false {
        didSet { markUnflushed() }
    }
    @exclusivity(unchecked) var queue = DatagramQueue()
    @exclusivity(unchecked) var sendState = DatagramSendState.idle
    /// The largest datagram of which several in a row may be sent as one.
    @exclusivity(unchecked) var runSizeMax: UInt32
    /// Of a Unix socket that is not connected, once it has found a receiver full.
    @exclusivity(unchecked) var fullReceivers: FullReceivers?
    /// When one of them is tried again.
    @exclusivity(unchecked) var receiverRetry: TimerHandle?
    /// When a closing endpoint that sends nothing is over, and whether it has sent something since it was last looked after.
    @exclusivity(unchecked) var closingLimit: TimerHandle?
    @exclusivity(unchecked) var hasSentWhileClosing = false

    /// The source that the last datagram of a Unix socket had: to make a path of its bytes each time would cost an allocation.
    @exclusivity(unchecked) private var lastSource = SocketAddress.unixUnnamed
    @exclusivity(unchecked) private var lastSourceForm: [UInt8] = []

    /// Ends the rest after a receive that found no memory.
    @exclusivity(unchecked) private var receiveRest: TimerHandle?
    /// How long that is: tried again at once, it would take the loop's every turn for as long as memory is short.
    private static let receiveRestDuration = Duration.milliseconds(100)

    // The kernel's, while operations are in flight: the table keeps the transport until they are over.
    private let reception: UnsafeMutablePointer<DatagramReception>
    let waiting = WaitingDatagram()

    /// Takes over a socket. Nothing happens before ``start()``.
    ///
    /// - Parameters:
    ///   - peer: what the kernel says the socket is connected to.
    ///   - controlRoom: the room for control messages, in bytes.
    init(
        loop: BaseEventLoop,
        socket: FileDescriptor,
        family: AddressFamily,
        remoteAddress: SocketAddress?,
        connectedTo peer: SocketAddress?,
        datagramProtocol: any DatagramProtocol,
        controlRoom: Int = DatagramReception.controlRoom
    ) {
        self.remoteAddress = remoteAddress
        let isConnected = peer != nil
        self.isConnected = isConnected
        // Who has no name can get one; and one end of a pair was never anybody else's.
        onlySource = peer == .unixUnnamed ? nil : peer
        self.datagramProtocol = datagramProtocol
        isUnix = family == .unix
        runSizeMax = family == .unix ? 0 : UInt32(UInt16.max)
        reception = DatagramReception.allocate(for: family, controlRoom: controlRoom)
        super.init(loop: loop, descriptor: socket, peerAddress: isConnected ? remoteAddress : nil)
    }

    deinit {
        reception.free()
    }

    // MARK: - Protocol

    override var anyProtocol: (any BaseProtocol)? { datagramProtocol }
    override func callConnectionMade() throws { try datagramProtocol?.connectionMade(self) }

    override func releaseProtocol() {
        datagramProtocol = nil
        sendProgress = nil
    }

    func setProtocol(_ datagramProtocol: any DatagramProtocol) {
        loop.checkThread("setProtocol")
        guard !isBeyondItsProtocol else { return }
        self.datagramProtocol = datagramProtocol
    }

    func getProtocol() -> (any DatagramProtocol)? {
        loop.checkThread("getProtocol")
        return datagramProtocol
    }

    // MARK: - The turn

    override func reconcile() {
        reconcileSending()
        reconcileReceiving()
    }

    override func operationCompleted(_ completion: Completion) {
        if loop.debug { timed { take(completion) } } else { take(completion) }
        tookCompletion()
    }

    @inline(__always)
    private func take(_ completion: Completion) {
        switch completion.token.kind {
        case .receiveDatagrams: receiveCompleted(completion)
        case .sendMessage: sendCompleted(completion)
        case .waitUntilWritable: roomCameOrFailed(completion)
        default: preconditionFailure("a datagram transport does not submit \(completion.token)")
        }
    }

    // MARK: - Receiving

    private func reconcileReceiving() {
        switch readState {
        case .idle:
            guard phase == .open, receiveRest == nil, !isReceivingPaused else { return }
            readState = .receiving(loop.backend.submit(.receiveDatagrams(descriptor, reception), owner: self))
        case .receiving(let token):
            guard phase != .open || isReceivingPaused else { return }
            stopReceiving(token)
        case .stopping:
            break
        }
    }

    private func receiveCompleted(_ completion: Completion) {
        // It ends with each error, and goes on all the same.
        if completion.isFinal { receiveEnded() }
        guard phase == .open else { return }
        if let errno = completion.errno { return receiveFailed(errno) }
        guard let source = source() else { return receiveFailed(.addressFamilyNotSupported) }
        // What came before the socket was connected may be anybody's.
        if let onlySource, !source.isSameSender(as: onlySource) { return }
        guard !reception.pointee.isTruncated, !reception.pointee.mayLackSegmentSize else {
            return deliverDamaged(completion.bytes, from: source)
        }
        let size = reception.pointee.segmentSize
        guard size == 0 || size >= completion.bytes.count else {
            return deliverRun(completion.bytes, size, from: source)
        }
        deliver(completion.bytes, from: source)
    }

    /// Some of it is lost: the end, or how long each of the datagrams is that the kernel has joined. Those of them that are whole
    /// are delivered, and of the rest there is an error.
    private func deliverDamaged(_ bytes: UnsafeRawBufferPointer, from source: SocketAddress) {
        guard reception.pointee.isTruncated else {
            let option = try? loop.system.option(.joinDatagrams, of: descriptor)
            // Where the kernel joins nothing, it is one datagram, and whole.
            guard let option, option != 0 else { return deliver(bytes, from: source) }
            datagramProtocol?.errorReceived(SocketError(.receive, .noBufferSpace, address: source))
            return
        }
        let size = reception.pointee.segmentSize
        if size > 0, size <= bytes.count {
            deliverRun(.init(rebasing: bytes.prefix(bytes.count / size * size)), size, from: source)
        }
        guard phase == .open else { return }
        datagramProtocol?.errorReceived(SocketError(.receive, .messageTooLong, address: source))
    }

    @inline(__always)
    private func deliver(_ bytes: UnsafeRawBufferPointer, from source: SocketAddress) {
        do {
            // The bytes live for the call: the backend holds them.
            try datagramProtocol?.datagramReceived(bytes.bytes, from: source)
        } catch {
            report(error, "datagramReceived threw an error")
        }
    }

    /// Takes apart what the kernel received as one: datagrams of `size` bytes, but for the last.
    private func deliverRun(_ bytes: UnsafeRawBufferPointer, _ size: Int, from source: SocketAddress) {
        var start = 0
        // A callback may end the endpoint.
        while start < bytes.count, phase == .open {
            let end = min(start + size, bytes.count)
            deliver(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), from: source)
            start = end
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

    override func takeQueuedErrors() -> Bool {
        takeQueuedErrors { tell($0) }
    }

    private func receiveFailed(_ errno: Errno) {
        let error = SocketError(.receive, errno, address: remoteAddress)
        switch errno {
        case .canceled:
            return
        case .badFileDescriptor, .notSocket, .invalidArgument, .badAddress, .notSupported:
            // It would fail again and again.
            loseConnection(error)
        case .noMemory:
            let retry = loop.time().advanced(by: Self.receiveRestDuration)
            receiveRest = loop.timers.insert(.callback { self.endReceiveRest() }, at: retry)
            datagramProtocol?.errorReceived(error)
        default:
            // The fate of a datagram that was sent before, as a rule. The queue knows of which, where there is one.
            if !queueTells(of: errno) { datagramProtocol?.errorReceived(error) }
        }
    }

    private func endReceiveRest() {
        receiveRest = nil
        markUnflushed()
    }

    // MARK: - Closing

    override func offer() { offerQueued() }
    override var unsentByteCount: Int { unsentCount }

    /// The same, for those who know that this is no other transport.
    @inline(__always) var unsentCount: Int { queue.byteCount + (fullReceivers?.byteCount ?? 0) }

    override func connectionWasLost(_ error: (any Error)?) {
        receiveRest?.cancel()
        receiveRest = nil
        stopWaitingForReceivers()
        queue.removeAll(keepingFirst: sendState.isInKernel, pool: loop.buffers)
    }

    override var hasWorkInFlight: Bool {
        if case .idle = sendState { false } else { true }
    }

    override func releaseBuffers() {
        stopWaitingForReceivers()
        queue.removeAll(keepingFirst: false, pool: loop.buffers)
    }

    override var description: String {
        "transport of datagram socket \(descriptor.rawValue) (\(phase), \(unsentByteCount) bytes to send)"
    }
}
