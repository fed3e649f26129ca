import Glibc
import SystemPackage

/// The other end of a connection, which does what a test says and nothing by itself. It never waits.
final class RawPeer {
    private(set) var descriptor: Int32
    private(set) var received: [UInt8] = []
    private(set) var sawEnd = false
    private(set) var failure: Errno?

    init(_ socket: FileDescriptor) {
        descriptor = socket.rawValue
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit {
        close()
    }

    convenience init(connectedTo port: UInt16) throws {
        self.init(try Self.connectedDescriptor(port: port))
    }

    /// On loopback a connect is over at once, as long as the listener's backlog has room.
    static func connectedDescriptor(port: UInt16) throws -> FileDescriptor {
        try RealSockets.checkReach()
        let descriptor = try SocketPair.check(socket(AF_INET, SOCK_STREAM_CLOEXEC, 0))
        var address = loopback(port: port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let reason = Errno(rawValue: errno)
            _ = Glibc.close(descriptor)
            throw reason
        }
        return FileDescriptor(rawValue: descriptor)
    }

    static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    var isOver: Bool { sawEnd || failure != nil }
    var text: String { String(decoding: received, as: UTF8.self) }

    /// Takes what has come, up to `limit` bytes.
    func read(limit: Int = .max) {
        var buffer = [UInt8](repeating: 0, count: min(limit, 65_536))
        var remaining = limit
        while remaining > 0, !isOver {
            let count = recv(descriptor, &buffer, min(buffer.count, remaining), 0)
            if count > 0 {
                received.append(contentsOf: buffer[..<count])
                remaining -= count
            } else if count == 0 {
                sawEnd = true
            } else if errno != EINTR {
                if errno != EAGAIN { failure = Errno(rawValue: errno) }
                return
            }
        }
    }

    /// Waits for the end of the connection, without any loop.
    func waitUntilOver() {
        let deadline = ContinuousClock.now + TestLimit.wait
        while !isOver, ContinuousClock.now < deadline {
            var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&interest, 1, 100)
            read()
        }
    }

    /// Sends what the kernel takes and returns how much that is.
    @discardableResult
    func write(_ bytes: some Collection<UInt8>) -> Int {
        let bytes = Array(bytes)
        let count = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        return max(count, 0)
    }

    func write(_ text: String) {
        write(Array(text.utf8))
    }

    /// Sends FIN.
    func finish() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    /// Closes with RST. TCP only.
    ///
    /// The RST goes out with the disconnect, at once: a close sends it only when no child that another test starts has a copy
    /// of the socket any more.
    func reset() {
        var nobody = sockaddr()
        nobody.sa_family = sa_family_t(AF_UNSPEC)
        connect(descriptor, &nobody, socklen_t(MemoryLayout<sockaddr>.size))
        close()
    }
}
