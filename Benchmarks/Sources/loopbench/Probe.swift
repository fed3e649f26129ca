import Foundation

/// Sockets that are opened to find something out, and closed at once.
enum Probe {
    /// A port of the loopback that nobody has now, for TCP or for datagrams.
    static func freePort(forDatagrams: Bool = false) -> UInt16? {
        let descriptor = socket(AF_INET, forDatagrams ? datagramKind : streamKind, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let found = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        return found ? UInt16(bigEndian: address.sin_port) : nil
    }

    /// Whether a connection to `endpoint` succeeds.
    static func listens(at endpoint: Contender.Endpoint) -> Bool {
        guard let descriptor = connected(to: endpoint) else { return false }
        close(descriptor)
        return true
    }

    /// Whether a datagram that is sent there comes back, soon.
    static func answers(at endpoint: Contender.Endpoint) -> Bool {
        guard case .tcp(_, let port) = endpoint,
            let descriptor = connected(AF_INET, to: loopback(port: port), datagramKind)
        else { return false }
        defer { close(descriptor) }
        var datagram: [UInt8] = Array("loopback".utf8)
        let length = datagram.count
        guard send(descriptor, datagram, length, 0) == length else { return false }
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, answerMillisecondsMax) == 1 else { return false }
        return recv(descriptor, &datagram, length, Int32(MSG_DONTWAIT)) == length
    }

    private static let answerMillisecondsMax: Int32 = 20

    /// A connection to `endpoint`, which the caller closes; nil when there is none to be had.
    static func connected(to endpoint: Contender.Endpoint) -> Int32? {
        switch endpoint {
        case .tcp(_, let port): connected(AF_INET, to: loopback(port: port))
        case .unix(let path): address(path: path).flatMap { connected(AF_UNIX, to: $0) }
        }
    }

    private static func connected<Address>(
        _ family: Int32,
        to address: Address,
        _ kind: Int32 = streamKind
    ) -> Int32? {
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { return nil }
        let succeeds = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size)) == 0
            }
        }
        if succeeds { return descriptor }
        close(descriptor)
        return nil
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func address(path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        return withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            guard path.utf8.count < bytes.count else { return false }
            bytes.copyBytes(from: path.utf8)
            return true
        } ? address : nil
    }

    private static var datagramKind: Int32 { Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) }
    private static var streamKind: Int32 { Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) }
}
