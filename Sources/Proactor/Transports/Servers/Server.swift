import SystemPackage

/// Where a server is in its life.
enum ServerState {
    /// It is bound, and accepts nothing yet.
    case ready
    case serving
    case closed
}

/// Accepts connections and gives each a transport and a protocol of its own.
///
/// Made by ``NetworkEventLoop/createServer(_:protocolFactory:)``. Closing it stops accepting and leaves its connections
/// alive. Thread rule: the loop's thread only.
///
/// ```swift
/// let server = try await loop.createServer(host: "127.0.0.1", port: 8080) { Echo() }
/// try await server.withScope {
///     try await server.serveForever()
/// }
/// ```
public final class Server {
    let loop: BaseEventLoop
    /// How many connections it has at most; `nil` is without a bound. See ``ServerOptions/maxConnections``.
    public let maxConnections: Int?
    private let idleTimeout: Duration?
    private let tls: TLSOptions?
    private let protocolFactory: () throws -> any ConnectionProtocol
    /// Who gets what it accepts, in place of a protocol.
    private let taker: AcceptedSocketTaker?
    private var listeners: [Listener]
    private var state = ServerState.ready
    /// Those that are not lost, and connections that are being made.
    private var activeTransports = 0
    /// Those that are closed but for an accept that is still to end.
    private var closingListeners = 0
    /// Who waits until it is drained.
    var closeWaiters: [Future<Void>] = []
    private var foreverWaiter: Future<Void>?
    private var isPaused = false
    /// Connections that were accepted when no more were wanted.
    private var held: [AcceptedConnection] = []
    private var admitsSoon = false
    /// For a part of a group's server that is spread by balance: what it has of the connections.
    private var share: ConnectionShare?
    /// For the one of them that accepts: who hands connections on.
    private var balancer: ConnectionBalancer?
    /// What the task carried that had it begin to serve, until it has neither listeners nor connections.
    var context: CapturedContext?

    init(
        loop: BaseEventLoop,
        listeners: [Listener],
        options: ServerOptions,
        taker: AcceptedSocketTaker? = nil,
        protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) {
        self.loop = loop
        self.listeners = listeners
        maxConnections = options.maxConnections
        idleTimeout = options.idleTimeout
        tls = options.tls
        self.taker = taker
        self.protocolFactory = protocolFactory
    }

    // MARK: - State

    /// The sockets that it listens on; none when it is closed.
    public var sockets: [TransportSocket] {
        loop.checkThread("sockets")
        guard !loop.isClosed else { return [] }
        return listeners.map { TransportSocket($0.socket, of: loop, owner: $0) }
    }

    /// Whether it accepts connections.
    public var isServing: Bool {
        loop.checkThread("isServing")
        return state == .serving && !loop.isClosed
    }

    /// The loop that it belongs to.
    public func getLoop() -> any AbstractEventLoop { loop }

    // MARK: - Serving

    /// Begins to accept. Does nothing when it does already.
    ///
    /// Called within a task, the protocol factory and `connectionMade` of each connection see the task-local values of this moment, and
    /// so does what they schedule, such as the task that serves a stream. They are kept until the last connection is lost.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when the server is closed, ``SocketError`` when a socket cannot listen,
    ///   ``EventLoopError/closed``.
    public func startServing() throws {
        try loop.checkUsable("startServing")
        switch state {
        case .serving: return
        case .closed: throw EventLoopError.invalidState("the server is closed")
        case .ready: break
        }
        for listener in listeners { try listener.listen() }
        state = .serving
        // Whoever takes sockets has ways of its own.
        if taker == nil, loop.isWithinTask { context = CapturedContext(of: loop) }
        for listener in listeners { listener.start(server: self) }
        updateListeners()
    }

    /// Accepts no more until ``resumeAccepting()``. Who connects meanwhile waits in the kernel, as the backlog has room, and those
    /// whom the kernel has accepted already wait in the server. The connections that it has go on. Does nothing the second time.
    public func pauseAccepting() {
        loop.checkThread("pauseAccepting")
        isPaused = true
        updateListeners()
    }

    /// Accepts again after ``pauseAccepting()``, those who have waited first.
    public func resumeAccepting() {
        loop.checkThread("resumeAccepting")
        guard isPaused else { return }
        isPaused = false
        admitSoon()
    }

    /// Whether ``pauseAccepting()`` was called last.
    public var isAcceptingPaused: Bool {
        loop.checkThread("isAcceptingPaused")
        return isPaused
    }

    /// Accepts until the server is closed or the calling task is cancelled, and waits for the connections.
    ///
    /// After ``close()`` they live on, and it returns when the last one is lost. A cancel closes the server and its
    /// connections, as ``closeClients()``; a connection whose peer does not take what was written is aborted after 30
    /// seconds. To give connections more or less time, use ``serve(until:grace:)``. In a task that is cancelled
    /// beforehand it closes the server without accepting anybody.
    ///
    /// - Throws: `CancellationError` when the calling task was cancelled, before it began or while it waited, and not otherwise;
    ///   ``EventLoopError/invalidState(_:)`` when the server was closed before, or is served twice; ``SocketError`` as
    ///   ``startServing()``.
    nonisolated(nonsending) public func serveForever() async throws {
        do {
            try await untilClosed()
        } catch is CancellationError {
            close()
            await outlastConnections()
            throw CancellationError()
        }
        await outlastConnections()
        try checkCancellation()
    }

    /// Begins to accept, and returns when the server is closed.
    nonisolated(nonsending) func untilClosed() async throws {
        guard foreverWaiter == nil else { throw EventLoopError.invalidState("serveForever runs already") }
        // Cancelled before it begins, it ends as it would later, and accepts nobody.
        if !Task.isCancelled { try startServing() }
        let waiter = loop.createFuture()
        foreverWaiter = waiter
        defer { foreverWaiter = nil }
        try await waiter.value()
    }

    // MARK: - Closing

    /// Stops accepting. Connections live on. Does nothing the second time.
    ///
    /// The addresses are free when it returns, for this program and for others, and who connects is refused.
    public func close() {
        loop.checkThread("close")
        guard state != .closed else { return }
        state = .closed
        // A loop that closes ends the rest.
        guard !loop.isClosed else { return }
        for listener in listeners { listener.close() }
        for connection in held {
            loop.closeUnclaimed(connection.socket)
            // Those that the accepting part holds are nobody's yet.
            if balancer == nil { share?.remove() }
        }
        held = []
        if share != nil {
            loop.unwatchLoad()
            loop.spreadServers.removeAll { $0 === self }
        }
        balancer = nil
        closingListeners = listeners.count { $0.isClosing }
        listeners = []
        foreverWaiter?.trySetResult()
        wakeIfDrained()
    }

    /// Closes every connection that it accepted, as `transport.close()`.
    public func closeClients() {
        loop.checkThread("closeClients")
        for transport in loop.openTransports.transports(of: self) { transport.outermost.close() }
    }

    /// Aborts every connection that it accepted, as `transport.abort()`.
    public func abortClients() {
        loop.checkThread("abortClients")
        for transport in loop.openTransports.transports(of: self) { transport.abort() }
    }

    /// Returns when the server is closed and the last of its connections is lost.
    ///
    /// - Throws: `CancellationError`, which leaves the connections alone; ``EventLoopError/closed``.
    nonisolated(nonsending) public func waitClosed() async throws {
        loop.checkThread("waitClosed")
        try checkCancellation()
        guard !isDrained else { return }
        try loop.checkUsable("waitClosed")
        try await makeCloseWaiter().value()
    }

    /// Runs `body`, then closes the server and waits for its connections, also when `body` throws. Cancelling the task
    /// closes the connections, as in ``serveForever()``.
    ///
    /// - Throws: what `body` throws.
    nonisolated(nonsending) public func withScope<Result>(
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        let result: Result
        do {
            result = try await body()
        } catch {
            close()
            await outlastConnections()
            throw error
        }
        close()
        await outlastConnections()
        return result
    }

    // MARK: - Connections

    /// A listener that was closing is closed.
    func listenerClosed() {
        precondition(closingListeners > 0, "a server's listener closed that was not closing")
        closingListeners -= 1
        wakeIfDrained()
    }

    func transportClosed() {
        precondition(activeTransports > 0, "a server lost a connection twice")
        activeTransports -= 1
        share?.remove()
        wakeIfDrained()
        if maxConnections != nil { admitSoon() }
    }

    var isClosed: Bool { state == .closed }

    /// Whether it is closed and has no connection left.
    var isDrained: Bool { state == .closed && activeTransports == 0 && closingListeners == 0 }

    /// Whether a listener is closed but for an accept that is still to end.
    var hasClosingListeners: Bool { closingListeners > 0 }

    /// Why no connection can be accepted for now, for whoever takes them. Returns whether there is somebody.
    func tellTaker(_ error: SocketError) -> Bool {
        taker?.failed(error)
        return taker != nil
    }

    /// Those that were accepted and have no protocol yet.
    var heldCount: Int { held.count }

    /// Whether another connection is wanted now.
    private var hasRoom: Bool {
        if isPaused { return false }
        if let balancer { return balancer.hasRoom }
        guard let maxConnections else { return true }
        return activeTransports < maxConnections
    }

    private func updateListeners() {
        guard state == .serving, !loop.isClosed else { return }
        let accepts = hasRoom && held.isEmpty
        for listener in listeners { listener.setAccepting(accepts) }
    }

    /// There may be room now. In a callback of its own: who makes room is amid something.
    func admitSoon() {
        guard !admitsSoon, state == .serving, !loop.isClosed else { return }
        admitsSoon = true
        loop.ready.push(.callback { self.admit() })
    }

    private func admit() {
        admitsSoon = false
        while state == .serving, hasRoom, !held.isEmpty {
            let connection = held.removeFirst()
            loop.unclaimed.remove(connection.socket)
            place(connection)
        }
        updateListeners()
    }

    /// A connection came in, from `peer` if that is known.
    func accepted(_ socket: FileDescriptor, from peer: SocketAddress?, mayLinger: Bool) {
        guard state == .serving else {
            try? loop.system.close(socket)
            return
        }
        let connection = AcceptedConnection(socket: socket, peer: peer, mayLinger: mayLinger)
        guard hasRoom, held.isEmpty else { return hold(connection) }
        place(connection)
        if !hasRoom { updateListeners() }
    }

    private func hold(_ connection: AcceptedConnection) {
        loop.unclaimed.insert(connection.socket)
        held.append(connection)
    }

    /// Here, or on the loop that is least busy.
    private func place(_ connection: AcceptedConnection) {
        if let balancer { balancer.place(connection, by: self) } else { makeTransport(connection) }
    }

    // MARK: - Spread by balance

    /// It is a part of a group's server from here on.
    func join(_ share: ConnectionShare) {
        precondition(state == .ready, "a server that accepts already was made a part of another")
        self.share = share
        if listeners.isEmpty { loop.spreadServers.append(self) }
    }

    /// It accepts for all parts from here on.
    func balance(by balancer: ConnectionBalancer) {
        guard state == .ready else { return }
        self.balancer = balancer
    }

    /// A connection that another loop has accepted, and that counts in this one's share.
    func take(_ connection: AcceptedConnection) {
        guard state == .serving else {
            try? loop.system.close(connection.socket)
            share?.remove()
            return
        }
        if isPaused || !held.isEmpty { hold(connection) } else { makeTransport(connection) }
    }

    // MARK: - Making transports

    /// The program's protocol, or what carries TLS between that and the connection.
    private func makeProtocol() throws -> any ConnectionProtocol {
        guard let tls else { return try protocolFactory() }
        let start = TLSStart(tls, engine: try tls.makeEngine(.server), side: .server)
        return start.makeTransport(for: try protocolFactory(), on: loop)
    }

    func makeTransport(_ connection: AcceptedConnection) {
        if let taker { return taker.take(connection.socket, connection.peer) }
        guard let context else { return greet(connection) }
        context.run { greet(connection) }
    }

    /// A factory that fails costs this connection only.
    private func greet(_ connection: AcceptedConnection) {
        // Before the factory is called, which may close the server: it has this connection all the same.
        activeTransports += 1
        do {
            let connectionProtocol = try makeProtocol()
            let transport = StreamSocketTransport(
                loop: loop,
                socket: connection.socket,
                connectionProtocol: connectionProtocol,
                server: self,
                peerAddress: connection.peer
            )
            transport.mayLinger = connection.mayLinger
            if let idleTimeout { transport.watchIdling(idleTimeout) }
            transport.start()
        } catch {
            try? loop.system.close(connection.socket)
            transportClosed()
            var context = ExceptionContext(
                message: error is TLSError
                    ? "there is no TLS for a connection, which is closed"
                    : "the protocol factory threw an error; its connection is closed",
                error: error
            )
            context.server = self
            loop.callExceptionHandler(context)
        }
    }
}

extension Server: CustomStringConvertible {
    public var description: String { "server at \(listeners.map(\.addressText)) (\(state))" }
}
