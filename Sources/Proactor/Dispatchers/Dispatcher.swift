import SystemPackage

/// A socket and what is done at its events: asyncore's `dispatcher`. Subclass it, and override the handlers.
///
/// It is told when its socket is ready and moves the bytes itself, by ``recv(_:)`` and ``send(_:)``, which never wait. An error that a
/// handler throws comes to ``handleError(_:)``. For new programs there is ``StreamProtocol``; see ``DispatcherMap``.
///
/// Thread rule: the thread of its map's loop only. The map keeps it until it is closed.
///
/// ```swift
/// final class EchoHandler: DispatcherWithSend {
///     override func handleRead() throws { try send(try recv(8192)) }
/// }
/// ```
open class Dispatcher {
    /// The map that it is in while it has a socket.
    public let map: DispatcherMap
    /// The socket; `nil` before ``createSocket(_:_:)`` and after ``close()``.
    public private(set) var socket: FileDescriptor?
    /// The peer's address, or where it listens, when known.
    public private(set) var address: SocketAddress?
    /// Whether it has a peer.
    public private(set) var isConnected = false
    /// Whether it listens.
    public private(set) var isAccepting = false
    /// Whether a connect is under way.
    public private(set) var isConnecting = false
    /// Whether nothing can come of it before it is connected or listens.
    private var isStream = false
    private var watchesRead = false
    private var watchesWrite = false

    /// A channel without a socket yet.
    public init(map: DispatcherMap) {
        self.map = map
    }

    /// A channel of a socket that is there already, connected or not. It belongs to the channel from here on, and is made
    /// non-blocking.
    ///
    /// - Throws: ``SocketError``.
    public init(socket: FileDescriptor, map: DispatcherMap) throws {
        self.map = map
        do { try system.processes.setNonBlocking(socket, true) } catch { throw SocketError(.inspect, error) }
        address = try? system.peerAddress(of: socket)
        isConnected = address != nil
        isStream = (try? system.option(.socketType, of: socket)) == SocketType.stream.rawValue
        isAccepting = isStream && (try? system.streamState(of: socket)) == .listening
        adopt(socket)
    }

    deinit {
        // Only after its loop: the map keeps what is open.
        if let socket { try? map.loop.system.close(socket) }
    }

    var system: any SystemCalls { map.loop.system }

    // MARK: - Handlers

    /// Whether it is interested in bytes, or connections, that come.
    open func readable() -> Bool { true }
    /// Whether it is interested in room for bytes. True as long as it is not overridden, and then told of in every turn.
    open func writable() -> Bool { true }
    /// There is something to receive, or the end of the stream.
    open func handleRead() throws {}
    /// There is room to send.
    open func handleWrite() throws {}
    /// The connection that ``connect(to:)`` asked for is made.
    open func handleConnect() throws {}
    /// The peer has closed the connection: closes the channel too unless overridden.
    open func handleClose() throws { close() }
    /// Somebody connects to a channel that listens: accepts, and calls ``handleAccepted(_:_:)``.
    open func handleAccept() throws {
        if let (socket, peer) = try accept() { try handleAccepted(socket, peer) }
    }

    /// A connection was accepted; the socket is the subclass's from here on. Closes it unless overridden.
    open func handleAccepted(_ socket: FileDescriptor, _ address: SocketAddress?) throws {
        try? system.close(socket)
    }

    /// A handler threw: unless overridden the error goes to the loop's exception handler, and the channel is closed.
    open func handleError(_ error: any Error) {
        map.loop.callExceptionHandler(
            ExceptionContext(message: "a dispatcher threw an error; it is closed", error: error)
        )
        close()
    }

    // MARK: - Socket

    /// Makes the channel's socket.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` when it has one.
    public func createSocket(_ family: AddressFamily = .ipv4, _ type: SocketType = .stream) throws {
        map.loop.checkThread("createSocket")
        guard socket == nil else { throw EventLoopError.invalidState("the dispatcher has a socket already") }
        let new = try map.loop.makeSocket(family, type, for: nil)
        do { try system.processes.setNonBlocking(new, true) } catch {
            try? system.close(new)
            throw SocketError(.makeSocket, error)
        }
        isStream = type == .stream
        adopt(new)
    }

    /// Lets the socket bind to an address at which former connections still linger.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` without a socket.
    public func setReuseAddress() throws {
        let socket = try openSocket()
        do { try system.setOption(.reuseAddress, to: 1, on: socket) } catch {
            throw SocketError(.setOption, error)
        }
    }

    /// Binds the socket to an address, which ``address`` is then.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` without a socket.
    public func bind(_ address: SocketAddress) throws {
        let socket = try openSocket()
        do { try system.bind(socket, to: address) } catch {
            throw SocketError(.bind, error, address: address)
        }
        self.address = try? system.localAddress(of: socket)
    }

    /// Listens, for ``handleAccept()`` to be called.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` without a socket.
    public func listen(_ backlog: Int = ServerOptions.largestBacklog) throws {
        let socket = try openSocket()
        do { try system.listen(socket, backlog: Int32(clamping: backlog)) } catch {
            throw SocketError(.listen, error, address: address)
        }
        isAccepting = true
        map.scheduleUpdate()
    }

    /// Connects; ``handleConnect()`` is called when that is done, within this call if it is done at once.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` without a socket.
    public func connect(to address: SocketAddress) throws {
        let socket = try openSocket()
        self.address = address
        isConnecting = true
        do {
            if try system.direct.connect(socket, to: address) { try connected() }
        } catch let errno as Errno {
            isConnecting = false
            throw SocketError(.connect, errno, address: address)
        }
        map.scheduleUpdate()
    }

    /// The next connection and its peer; `nil` when there is none after all. The socket is the caller's.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` without a socket.
    public func accept() throws -> (socket: FileDescriptor, address: SocketAddress?)? {
        let socket = try openSocket()
        do { return try system.direct.accept(socket).map { ($0.socket, $0.peer) } } catch {
            throw SocketError(.accept, error, address: address)
        }
    }

    /// Sends what the kernel takes, and returns how many bytes that is. A connection that is gone is a ``handleClose()``, and zero.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` without a socket; what `handleClose` throws.
    @discardableResult
    open func send(_ data: [UInt8]) throws -> Int {
        let socket = try openSocket()
        let count = data.withUnsafeBytes { move($0, to: socket) }
        return try outcome(of: count, .send)
    }

    /// Receives at most so many bytes: none when there is nothing yet, and at the end of the stream, after a ``handleClose()``.
    ///
    /// - Throws: ``SocketError``, ``EventLoopError/invalidState(_:)`` without a socket; what `handleClose` throws.
    public func recv(_ bufferSize: Int) throws -> [UInt8] {
        guard bufferSize > 0 else { throw EventLoopError.invalidArgument("recv needs room for a byte") }
        let socket = try openSocket()
        var result = 0
        let data = [UInt8](unsafeUninitializedCapacity: bufferSize) { room, count in
            // What is not filled is not shown.
            result = move(from: socket, into: UnsafeMutableRawBufferPointer(room))
            count = max(result, 0)
        }
        guard result == 0 else {
            _ = try outcome(of: result, .receive)
            return data
        }
        try handleClose()
        return []
    }

    /// Closes the socket and leaves the map. Does nothing the second time.
    open func close() {
        map.loop.checkThread("close")
        guard let socket else { return }
        self.socket = nil
        (isConnected, isAccepting, isConnecting) = (false, false, false)
        if watchesRead { _ = try? map.loop.removeReader(socket) }
        if watchesWrite { _ = try? map.loop.removeWriter(socket) }
        (watchesRead, watchesWrite) = (false, false)
        map.remove(socket.rawValue)
        release(socket)
    }

    // MARK: - What a file does otherwise

    func move(_ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor) -> Int {
        system.direct.write(bytes, to: descriptor, isSocket: true)
    }

    func move(from descriptor: FileDescriptor, into room: UnsafeMutableRawBufferPointer) -> Int {
        system.direct.read(descriptor, into: room, isSocket: true)
    }

    func release(_ descriptor: FileDescriptor) {
        try? system.close(descriptor)
    }

    // MARK: - Inside

    func adopt(_ descriptor: FileDescriptor, isConnected: Bool = false) {
        socket = descriptor
        if isConnected { self.isConnected = true }
        map.insert(self, descriptor.rawValue)
    }

    private func openSocket() throws(EventLoopError) -> FileDescriptor {
        map.loop.checkThread("Dispatcher")
        guard let socket else { throw .invalidState("the dispatcher has no socket: createSocket makes one") }
        return socket
    }

    /// A number of bytes, zero for one that has to come later, and for the end of the connection.
    private func outcome(of count: Int, _ operation: SocketError.Operation) throws -> Int {
        guard count < 0 else { return count }
        let errno = Errno(rawValue: Int32(-count))
        switch errno {
        case .wouldBlock: return 0
        case .connectionReset, .connectionAbort, .socketNotConnected, .brokenPipe, .socketShutdown,
            .badFileDescriptor:
            try handleClose()
            return 0
        default: throw SocketError(operation, errno, address: address)
        }
    }

    /// Brings what the loop watches in line with what the channel is interested in.
    final func updateInterest() {
        guard let socket else { return }
        do {
            let hasPeer = isConnected || isConnecting || isAccepting || !isStream
            let reads = hasPeer && readable()
            if reads != watchesRead {
                watchesRead = reads
                if reads {
                    try map.loop.addReader(socket) { [self] in event { try handleReadEvent() } }
                } else {
                    try map.loop.removeReader(socket)
                }
            }
            let writes = isConnecting || (hasPeer && !isAccepting && writable())
            if writes != watchesWrite {
                watchesWrite = writes
                if writes {
                    try map.loop.addWriter(socket) { [self] in event { try handleWriteEvent() } }
                } else {
                    try map.loop.removeWriter(socket)
                }
            }
        } catch {
            handleError(error)
        }
    }

    private func event(_ body: () throws -> Void) {
        map.eventCame()
        guard socket != nil else { return }
        do { try body() } catch { handleError(error) }
    }

    private func handleReadEvent() throws {
        if isAccepting { return try handleAccept() }
        if isConnecting { try concludeConnect() }
        if socket != nil { try handleRead() }
    }

    private func handleWriteEvent() throws {
        guard !isAccepting else { return }
        if isConnecting { try concludeConnect() }
        if socket != nil, writable() { try handleWrite() }
    }

    private func concludeConnect() throws {
        let socket = try openSocket()
        do { try system.direct.takeError(of: socket) } catch {
            throw SocketError(.connect, error, address: address)
        }
        try connected()
    }

    private func connected() throws {
        isConnecting = false
        isConnected = true
        try handleConnect()
    }
}

@available(*, unavailable)
extension Dispatcher: Sendable {}
