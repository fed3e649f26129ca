import SystemPackage

/// One listening socket of a server.
///
/// ```
///            start()             descriptors used up
///   ready ──────────▶ accepting ◀────────────────────▶ resting     (a second later it tries again)
///     │                   │                               │
///     └───────────────────┴──────────── close() ──────────┘──▶ closing ──▶ closed   (when the accept is over)
/// ```
/// Whenever its server wants no more for a while it is `pausing`, until the accept that is in flight is over, and then `paused`.
///
/// `close()` closes the socket at once: who has called it may listen at the address again. Only where the backend cannot have
/// the kernel let go of it, it is closed when the accept is over. Then the server is told, and not before: what the accept
/// has taken by then is closed too.
final class Listener: CompletionOwner, RegistryMember, SocketOwner {
    private enum State {
        case ready
        case accepting(OperationToken)
        case resting(TimerHandle)
        case pausing(OperationToken, goesOn: Bool)
        case paused
        case closing(hasSocket: Bool)
        case closed
    }

    /// How long it waits when the process or the system has no descriptor left.
    private static let restDuration = Duration.seconds(1)

    let loop: BaseEventLoop
    let socket: FileDescriptor
    private let address: SocketAddress?
    private let backlog: Int32
    /// A Unix socket's file, to be removed on close.
    private var ownedFile: SocketFile?
    private var state = State.ready
    private(set) var server: Server?
    var registryIndex: Int32 = -1
    /// Whether the sockets that it accepts may linger at their close, as they have its options: see ``LoopTransport/mayLinger``.
    private var mayLinger: Bool
    /// Whether accepting has failed since it last succeeded: one report tells it all.
    private var failureWasReported = false

    init(
        loop: BaseEventLoop,
        socket: FileDescriptor,
        backlog: Int32,
        isGiven: Bool = false,
        ownedFile: SocketFile? = nil
    ) {
        self.loop = loop
        self.socket = socket
        self.backlog = backlog
        self.ownedFile = ownedFile
        mayLinger = isGiven
        address = try? loop.system.localAddress(of: socket)
        super.init()
        loop.own(socket)
        loop.openListeners.insert(self)
    }

    func listen() throws(SocketError) {
        do {
            try loop.system.listen(socket, backlog: backlog)
        } catch {
            throw SocketError(.listen, error, address: address)
        }
    }

    func start(server: Server) {
        guard case .ready = state else { preconditionFailure("a listener was started twice") }
        self.server = server
        state = .paused
    }

    private func accept() {
        // Where there is a bound, a ring must not take what is beyond it.
        let oneByOne = server?.maxConnections != nil
        state = .accepting(loop.backend.submit(.accept(socket, oneByOne: oneByOne), owner: self))
    }

    /// Whether to accept from here on.
    func setAccepting(_ accepts: Bool) {
        switch (state, accepts) {
        case (.accepting(let token), false):
            // First: a cancel may complete at once.
            state = .pausing(token, goesOn: false)
            loop.backend.cancel(token)
        case (.resting(let timer), false):
            timer.cancel()
            state = .paused
        case (.pausing(let token, _), _):
            state = .pausing(token, goesOn: accepts)
        case (.paused, true):
            accept()
        case (.ready, _), (.accepting, true), (.resting, true), (.paused, false), (.closing, _), (.closed, _):
            break
        }
    }

    func close() {
        // A loop that closes takes its listeners with it.
        guard !loop.isClosed else { return }
        switch state {
        case .accepting(let token), .pausing(let token, _):
            let isClosed = loop.backend.endAccept(token, closing: socket)
            if isClosed { loop.disown(socket) }
            state = .closing(hasSocket: !isClosed)
        case .resting(let timer):
            timer.cancel()
            closeSocket()
        case .ready, .paused:
            closeSocket()
        case .closing, .closed:
            return
        }
        removeOwnedFile()
    }

    func closeWithLoop(inFork: Bool) {
        removeOwnedFile()
        if hasSocket { try? loop.system.close(socket) }
        state = .closed
    }

    func releaseUsersObjects() {
        server.take()?.loopClosed()
    }

    private func closeSocket() {
        loop.disown(socket)
        try? loop.system.close(socket)
        leaveLoop()
    }

    private func leaveLoop() {
        state = .closed
        server = nil
        loop.openListeners.remove(self)
    }

    /// Whether its accept is still to end.
    var isClosing: Bool { if case .closing = state { true } else { false } }

    var hasSocket: Bool {
        switch state {
        case .ready, .accepting, .resting, .pausing, .paused: true
        case .closing(let hasSocket): hasSocket
        case .closed: false
        }
    }

    func socketWasShown() { mayLinger = true }

    private func removeOwnedFile() {
        guard let file = ownedFile.take() else { return }
        // In a fork's child the file is the parent's.
        if loop.isForked { file.keep() } else { file.remove() }
    }

    /// Whether it is this address that it has stopped to listen at, and not yet let go of.
    func isClosing(at other: SocketAddress) -> Bool {
        guard case .closing = state else { return false }
        return address == other
    }

    override func operationCompleted(_ completion: Completion) {
        if completion.result >= 0 {
            failureWasReported = false
            let accepted = FileDescriptor(rawValue: completion.result)
            // An accept that was cancelled may have succeeded all the same: the server closes what it does not want.
            let peer = completion.bytes.isEmpty ? nil : SocketAddress(kernelForm: completion.bytes)
            server?.accepted(accepted, from: peer, mayLinger: mayLinger)
        }
        guard completion.isFinal else { return }
        switch state {
        case .closing(let hasSocket):
            let closedServer = server
            if hasSocket { closeSocket() } else { leaveLoop() }
            closedServer?.listenerClosed()
        case .accepting:
            acceptEnded(completion.errno ?? .canceled)
        case .pausing(_, let goesOn):
            state = .paused
            if goesOn { accept() }
        case .ready, .resting, .paused, .closed:
            preconditionFailure("an accept completed that was not in flight")
        }
    }

    /// The socket stays a listener whatever happened: what ails an accept passes.
    private func acceptEnded(_ errno: Errno) {
        let retry = loop.time().advanced(by: Self.restDuration)
        let timer = loop.timers.insert(.callback { self.accept() }, at: retry)
        state = .resting(timer)
        if !failureWasReported { report(errno) }
    }

    private func report(_ errno: Errno) {
        failureWasReported = true
        let error = SocketError(.accept, errno, address: address)
        guard server?.tellTaker(error) != true else { return }
        var context = ExceptionContext(
            message: "accepting failed; trying again every \(Self.restDuration) until it succeeds",
            error: error
        )
        context.socket = TransportSocket(socket, of: loop, owner: self)
        context.server = server
        loop.callExceptionHandler(context)
    }

    /// The port that it listens at; `nil` for a Unix socket.
    var port: UInt16? { address?.port }
    var addressText: String { address?.description ?? "socket \(socket.rawValue)" }
    var description: String { "listener at \(addressText)" }
}
