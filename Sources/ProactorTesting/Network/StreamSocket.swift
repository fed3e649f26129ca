import DequeModule
import Glibc
import Proactor

/// A stream socket: of TCP, or a Unix socket's.
final class StreamSocket: StreamEnd {
    enum State {
        case unconnected
        case listening
        case connecting
        case connected
        case closed
    }

    let family: AddressFamily
    @exclusivity(unchecked) var state = State.unconnected
    @exclusivity(unchecked) var local: SocketAddress?
    @exclusivity(unchecked) var remote: SocketAddress?
    @exclusivity(unchecked) var options = SocketOptions()
    /// Connections that nobody has accepted yet, and how many there may be.
    @exclusivity(unchecked) var backlog: Deque<StreamSocket> = []
    @exclusivity(unchecked) var backlogMax = 0
    /// Handshakes that are under way towards the backlog.
    @exclusivity(unchecked) var handshakes = 0
    /// Its own sending side was shut down.
    @exclusivity(unchecked) private(set) var isShutDown = false
    /// Whether it ends by a reset when it is closed.
    @exclusivity(unchecked) var resetsAtClose = false
    /// The process that made it, or the one that it is connected to.
    @exclusivity(unchecked) var credentials: PeerCredentials?
    @exclusivity(unchecked) var peerCredentials: PeerCredentials?
    /// Counts attempts to connect: what belongs to a former one is of no interest.
    @exclusivity(unchecked) var attempt = 0

    init(host: HostKernel, family: AddressFamily) {
        self.family = family
        super.init(host: host)
    }

    override var shortages: [Int32] { [EMFILE, ENFILE, ENOMEM, ENOBUFS] }
    override var kindName: StaticString { family == .unix ? "unix" : "tcp" }
    override var kind: DescriptorKind { .socket }

    override var readiness: Readiness {
        switch state {
        case .unconnected: return family == .unix ? [.write, .hangUp] : .anything
        case .listening: return backlog.isEmpty ? .nothing : .read
        case .connecting: return .nothing
        case .connected: break
        case .closed: return .anything
        }
        guard let incoming, let outgoing else { return .anything }
        if pendingError != 0 { return .anything }
        var found = Readiness.nothing
        if incoming.hasUnread || incoming.hasEnded || outgoing.isBroken { found.add(.read) }
        if outgoing.hasRoom || isShutDown || outgoing.isBroken || isPeerGone { found.add(.write) }
        if outgoing.isBroken || isPeerGone || incoming.hasEnded && isShutDown { found.add(.hangUp) }
        return found
    }

    override var pollEvents: Int32 {
        super.pollEvents | (pendingError != 0 ? POLLERR : 0)
            | (incoming?.hasEnded == true ? OpenFile.pollPeerEnded : 0)
    }

    /// A Unix socket knows at once.
    private var isPeerGone: Bool { family == .unix && outgoing?.isReaderClosed == true }

    // MARK: - Bytes

    override func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let incoming else {
            if pendingError != 0 { return -Int(takeError()) }
            return state == .closed ? 0 : -Int(family == .unix ? EINVAL : ENOTCONN)
        }
        guard room.count > 0 else { return 0 }
        if incoming.hasUnread {
            let count = incoming.read(into: room)
            host.world.note(.read, host.index, Int64(count))
            return count
        }
        if pendingError != 0 { return -Int(takeError()) }
        return incoming.hasEnded || outgoing?.isBroken == true ? 0 : -Int(EAGAIN)
    }

    override func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        if pendingError != 0 { return -Int(takeError()) }
        guard state == .connected, let outgoing else {
            return -Int(
                state == .unconnected && family == .unix ? ENOTCONN : state == .connecting ? EAGAIN : EPIPE
            )
        }
        guard !isShutDown, !outgoing.isBroken, !isPeerGone else { return -Int(EPIPE) }
        guard bytes.count > 0 else { return 0 }
        if family == .unix, host.world.lacksBuffer(host) { return -Int(ENOBUFS) }
        let count = outgoing.write(bytes)
        guard count > 0 else { return -Int(EAGAIN) }
        host.world.note(.write, host.index, Int64(count))
        return count
    }

    func shutDownWriting() -> Int32 {
        guard state == .connected, let outgoing else { return ENOTCONN }
        guard !isShutDown else { return 0 }
        isShutDown = true
        outgoing.finish()
        changed()
        return 0
    }

    // MARK: - What happens to it

    override func receivedReset() {
        guard state == .connected else { return }
        host.world.note(.reset, host.index, 0)
        pendingError = incoming?.hasEnded == true ? EPIPE : ECONNRESET
        outgoing?.breakUp()
        changed()
    }

    override func timedOut() {
        pendingError = ETIMEDOUT
        outgoing?.breakUp()
        changed()
    }

    override func peerClosed(unread: Bool) {
        if unread { pendingError = ECONNRESET }
        changed()
    }

    /// It has a peer from here on.
    func connect(incoming: StreamChannel, outgoing: StreamChannel, to remote: SocketAddress) {
        self.remote = remote
        attach(incoming: incoming, outgoing: outgoing)
        state = .connected
        changed()
    }

    /// A connect came to nothing.
    func refuse(_ error: Int32) {
        guard state == .connecting else { return }
        state = .unconnected
        pendingError = error
        connectError = error
        changed()
    }

    /// How the last connect ended, for an operation that waits for it.
    @exclusivity(unchecked) var connectError: Int32 = 0

    override func closed(isCrash: Bool) {
        host.unbind(self)
        attempt += 1
        let wasListening = state == .listening
        state = .closed
        if wasListening { closeBacklog(isCrash: isCrash) }
        guard let outgoing else { return }
        if !isCrash {
            if resetsAtClose || family != .unix && incoming?.hasUnread == true {
                outgoing.abort()
            } else {
                outgoing.finish()
            }
        }
        detach(isCrash: isCrash)
    }

    /// Those who wait to be accepted hear that nobody will.
    private func closeBacklog(isCrash: Bool) {
        let waiting = backlog
        backlog = []
        for connection in waiting {
            connection.resetsAtClose = family != .unix
            if family == .unix { connection.outgoing?.reader?.peerClosed(unread: true) }
            connection.release(isCrash: isCrash)
        }
    }
}
