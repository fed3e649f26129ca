import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What fills a socket's error queue, and reads it without the library.
enum ErrorQueue {
    /// Asks to be told what becomes of packets: IP_RECVERR, IPV6_RECVERR.
    static func askForErrors(_ socket: FileDescriptor, _ family: DatagramFamily = .ipv4) throws {
        let (level, name) = family == .ipv6 ? (IPPROTO_IPV6, 25) : (IPPROTO_IP, 11)
        try set(socket, Int32(level), Int32(name), 1)
    }

    /// Asks for a note of when packets are sent, without the packet: SO_TIMESTAMPING.
    static func askForTimes(_ socket: FileDescriptor) throws {
        try set(socket, SOL_SOCKET, 37, 2 | 16 | 2048)
    }

    private static func set(_ socket: FileDescriptor, _ level: Int32, _ name: Int32, _ value: Int32) throws {
        var value = value
        try checkCall(setsockopt(socket.rawValue, level, name, &value, socklen_t(MemoryLayout<Int32>.size)))
    }

    /// Whether the queue holds anything.
    static func isFilled(_ socket: FileDescriptor) -> Bool {
        var look = pollfd(fd: socket.rawValue, events: 0, revents: 0)
        return poll(&look, 1, 0) > 0 && look.revents & Int16(POLLERR) != 0
    }

    /// Takes one entry, as a program does.
    static func take(_ socket: FileDescriptor) -> Bool {
        LinuxSystemCalls(nonBlocking: false).takeQueuedError(of: socket) != nil
    }

    /// An address where datagrams of everybody are refused, for as long as the peers are there.
    static func refusingAddress(_ family: DatagramFamily) throws -> (
        address: SocketAddress, keep: [RawDatagramPeer]
    ) {
        let (peer, other) = (try RawDatagramPeer(family), try RawDatagramPeer(family))
        try peer.connect(to: other.address)
        return (peer.address, [peer, other])
    }
}

extension BaseEventLoop {
    /// Expects of a loop with nothing to do that it does next to nothing for a while. Each poll of its backend counts; to be
    /// woken again and again takes thousands.
    func expectIdle(_ backend: FaultyBackend, sourceLocation: SourceLocation = #_sourceLocation) throws {
        // What is under way comes to rest first.
        try settle()
        let before = backend.pollCount
        try callLater(.milliseconds(60)) { self.stop() }
        try runForever()
        #expect(backend.pollCount - before < 60, sourceLocation: sourceLocation)
    }
}

extension BaseTransport {
    var testDescriptor: FileDescriptor {
        get throws { try #require(self as? LoopTransport).descriptor }
    }
}

extension DatagramTransport {
    var testName: SocketAddress {
        get throws {
            let name: SocketAddress? = extraInfo(.socketName)
            return try #require(name)
        }
    }
}
