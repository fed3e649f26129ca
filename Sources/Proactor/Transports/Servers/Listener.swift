import SystemPackage

/// One listening socket of a server.
///
/// ```
///            start()             descriptors used up
///   ready ──────────▶ accepting ◀────────────────────▶ resting     (a second later it tries again)
///     │                   │                               │
///     └───────────────────┴──────────── close() ──────────┘──▶ closing ──▶ closed   (when the accept is over)
/// ```
final class Listener: CompletionOwner, RegistryMember {
    private enum State {
        case ready
        case accepting(OperationToken)
        case resting(TimerHandle)
        case closing
        case closed
    }

    /// How long it waits when the process or the system has no descriptor left.
    private static let restDuration = Duration.seconds(1)

    let loop: BaseEventLoop
    let socket: FileDescriptor
    private let address: SocketAddress?
    private let backlog: Int32
    /// The path to remove on close, and which file it was.
    private let ownedFile: (path: String, identity: FileIdentity)?
    private var state = State.ready
    private(set) var server: Server?
    var registryIndex: Int32 = -1
    /// Whether accepting has failed since it last succeeded: one report tells it all.
    private var failureWasReported = false

    init(
        loop: BaseEventLoop,
        socket: FileDescriptor,
        backlog: Int32,
        ownedFile: (path: String, identity: FileIdentity)? = nil
    ) {
        self.loop = loop
        self.socket = socket
        self.backlog = backlog
        self.ownedFile = ownedFile
        address = try? loop.backend.system.localAddress(of: socket)
        super.init()
        loop.own(socket)
        loop.openListeners.insert(self)
    }

    func listen() throws(SocketError) {
        do {
            try loop.backend.system.listen(socket, backlog: backlog)
        } catch {
            throw SocketError(.listen, error, address: address)
        }
    }

    func start(server: Server) {
        guard case .ready = state else { preconditionFailure("a listener was started twice") }
        self.server = server
        accept()
    }

    private func accept() {
        state = .accepting(loop.backend.submit(.accept(socket), owner: self))
    }

    func close() {
        switch state {
        case .accepting(let token):
            state = .closing
            loop.backend.cancel(token)
        case .resting(let timer):
            timer.cancel()
            closeSocket()
        case .ready:
            closeSocket()
        case .closing, .closed:
            return
        }
        removeOwnedFile()
    }

    func closeWithLoop(inFork: Bool) {
        if case .closing = state {} else { removeOwnedFile() }
        state = .closed
        if !inFork { server = nil }
        try? loop.backend.system.close(socket)
    }

    private func closeSocket() {
        state = .closed
        server = nil
        loop.openListeners.remove(self)
        loop.disown(socket)
        loop.backend.submit(.close(socket), owner: nil)
    }

    private func removeOwnedFile() {
        // In a fork's child the file is the parent's.
        guard let ownedFile, !loop.isForked else { return }
        let system = loop.backend.system
        // Another server may have put its own socket there since.
        guard let found = try? system.identity(ofFileAt: ownedFile.path), found == ownedFile.identity else {
            return
        }
        try? system.removeFile(at: ownedFile.path)
    }

    override func operationCompleted(_ completion: Completion) {
        if completion.result >= 0 {
            failureWasReported = false
            let accepted = FileDescriptor(rawValue: completion.result)
            // An accept that was cancelled may have succeeded all the same: the server closes what it does not want.
            let peer = completion.bytes.isEmpty ? nil : SocketAddress(kernelForm: completion.bytes)
            server?.accepted(accepted, from: peer)
        }
        guard completion.isFinal else { return }
        switch state {
        case .closing:
            closeSocket()
        case .accepting:
            acceptEnded(completion.errno ?? .canceled)
        case .ready, .resting, .closed:
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
        var context = ExceptionContext(
            message: "accepting failed; trying again every \(Self.restDuration) until it succeeds",
            error: SocketError(.accept, errno, address: address)
        )
        context.socket = TransportSocket(socket, of: loop)
        context.server = server
        loop.callExceptionHandler(context)
    }

    var addressText: String { address?.description ?? "socket \(socket.rawValue)" }
    var description: String { "listener at \(addressText)" }
}
