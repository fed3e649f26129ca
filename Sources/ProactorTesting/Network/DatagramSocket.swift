import DequeModule
import Glibc
import Proactor

/// A socket of datagrams: UDP's, or a Unix socket's.
final class DatagramSocket: OpenFile {
    struct Datagram {
        var bytes: [UInt8]
        var source: SocketAddress
    }

    let family: AddressFamily
    var local: SocketAddress?
    var remote: SocketAddress?
    var options = SocketOptions()
    var pendingError: Int32 = 0
    var queuedErrors: Deque<(errno: Int32, address: SocketAddress)> = []
    private var queue: Deque<Datagram> = []
    private var queuedBytes = 0
    /// The Unix socket that it is connected to.
    weak var unixPeer: DatagramSocket?
    private var isClosed = false
    /// Those who wait for room here.
    private var waitingSenders: [DatagramSocket] = []

    /// Bytes that wait to be received at most, and a Unix socket's datagrams.
    private static let bytesMax = 212_992
    private static let unixDatagramsMax = 11
    static let sizeMax = 65_507

    init(host: HostKernel, family: AddressFamily) {
        self.family = family
        super.init(host: host)
    }

    override var shortages: [Int32] { [EMFILE, ENFILE, ENOMEM, ENOBUFS] }
    override var kindName: StaticString { family == .unix ? "unixgram" : "udp" }
    override var kind: DescriptorKind { .messageSocket }

    override var readiness: Readiness {
        var found: Readiness = []
        if !queue.isEmpty { found.insert(.read) }
        if unixPeer?.isFull != true { found.insert(.write) }
        if pendingError != 0 || !queuedErrors.isEmpty { found.formUnion([.read, .write, .hangUp]) }
        return found
    }

    override var pollEvents: Int32 {
        (queue.isEmpty ? 0 : POLLIN) | (unixPeer?.isFull == true ? 0 : POLLOUT)
            | (pendingError != 0 || !queuedErrors.isEmpty ? POLLERR : 0)
    }

    override var hasOnlyErrors: Bool {
        (pendingError != 0 || !queuedErrors.isEmpty) && unixPeer?.isFull == true
    }

    private var isFull: Bool { queue.count >= Self.unixDatagramsMax }

    func takeError() -> Int32 {
        defer { pendingError = 0 }
        return pendingError
    }

    // MARK: - Receiving

    /// The next datagram; minus errno without one.
    func receive() -> Result<Datagram, FailedCallNumber> {
        if pendingError != 0 { return .failure(FailedCallNumber(takeError())) }
        guard let datagram = queue.popFirst() else { return .failure(FailedCallNumber(EAGAIN)) }
        queuedBytes -= datagram.bytes.count + 256
        host.world.note(.datagramRead, host.index, Int64(datagram.bytes.count))
        if family == .unix, queue.count == Self.unixDatagramsMax - 1 { wakeSenders() }
        return .success(datagram)
    }

    override func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        switch receive() {
        case .failure(let failure): return -Int(failure.errno)
        case .success(let datagram):
            let count = min(room.count, datagram.bytes.count)
            // What finds no room is lost, as recv(2) says.
            datagram.bytes.withUnsafeBytes { room.copyMemory(from: .init(rebasing: $0[..<count])) }
            return count
        }
    }

    // MARK: - Sending

    override func write(_ bytes: UnsafeRawBufferPointer) -> Int { send(bytes, to: nil) }

    /// Returns the count, or minus errno.
    func send(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress?) -> Int {
        if pendingError != 0 { return -Int(takeError()) }
        if host.world.lacksBuffer(host) { return -Int(ENOBUFS) }
        return family == .unix ? sendLocally(bytes, to: address) : sendAway(bytes, to: address)
    }

    private func sendLocally(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress?) -> Int {
        let target: DatagramSocket
        if let address {
            switch host.unixSocket(at: address) {
            case .success(let found as DatagramSocket): target = found
            case .success: return -Int(EPROTOTYPE)
            case .failure(let failure): return -Int(failure.errno)
            }
        } else {
            guard let remote else { return -Int(ENOTCONN) }
            guard let peer = unixPeer, !peer.isClosed else {
                return -Int(remote == .unixUnnamed ? ECONNRESET : ECONNREFUSED)
            }
            target = peer
        }
        guard bytes.count <= Self.bytesMax else { return -Int(EMSGSIZE) }
        guard !target.isFull else {
            target.notifyWhenRoomy(self)
            return -Int(EAGAIN)
        }
        target.take(Datagram(bytes: Array(bytes), source: local ?? .unixUnnamed))
        return bytes.count
    }

    private func sendAway(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress?) -> Int {
        guard let target = address ?? remote else { return -Int(EDESTADDRREQ) }
        guard bytes.count <= Self.sizeMax else { return -Int(EMSGSIZE) }
        guard target.family == family else { return -Int(family == .ipv4 ? EAFNOSUPPORT : EINVAL) }
        if local == nil { host.bindSomewhere(self) }
        host.world.note(.datagramSent, host.index, Int64(bytes.count))
        return host.send(Datagram(bytes: Array(bytes), source: .unixUnnamed), from: self, to: target)
            .map { -Int($0) } ?? bytes.count
    }

    // MARK: - What happens to it

    /// A datagram arrives; without room it is lost.
    func take(_ datagram: Datagram) {
        guard !isClosed else { return }
        guard family == .unix || queuedBytes + datagram.bytes.count + 256 <= Self.bytesMax else { return }
        if family != .unix, let remote, remote != datagram.source { return }
        queue.append(datagram)
        queuedBytes += datagram.bytes.count + 256
        changed()
    }

    /// The network says that a datagram was for nobody.
    func unreachable(_ errno: Int32, at address: SocketAddress) {
        guard !isClosed else { return }
        if options.keepsErrors {
            queuedErrors.append((errno, address))
        } else if remote == nil {
            return
        }
        pendingError = errno
        changed()
    }

    private func notifyWhenRoomy(_ sender: DatagramSocket) {
        if !waitingSenders.contains(where: { $0 === sender }) { waitingSenders.append(sender) }
    }

    private func wakeSenders() {
        let senders = waitingSenders
        waitingSenders = []
        for sender in senders where !sender.isClosed { sender.changed() }
    }

    override func closed(isCrash: Bool) {
        isClosed = true
        host.unbind(self)
        queue.removeAll()
        wakeSenders()
    }
}

/// An errno as an error that a simulated call ends with.
struct FailedCallNumber: Error {
    let errno: Int32

    init(_ errno: Int32) {
        self.errno = errno
    }
}
