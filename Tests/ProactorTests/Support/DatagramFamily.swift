import Foundation
import Glibc

@testable import Proactor

/// The kinds of addresses that datagrams go by.
enum DatagramFamily: CaseIterable, Sendable {
    case ipv4
    case ipv6
    case unixPath
    case unixAbstract

    /// Those that this machine has: not every one has IPv6.
    static let allCases: [DatagramFamily] = internet + [.unixPath, .unixAbstract]

    static let internet: [DatagramFamily] = hasIPv6Loopback() ? [.ipv4, .ipv6] : [.ipv4]

    private static func hasIPv6Loopback() -> Bool {
        let socket = Glibc.socket(AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_addr = in6addr_loopback
        return withUnsafeBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return bind(socket, pointer, socklen_t(bytes.count)) == 0
        }
    }

    /// An address that nobody else binds to; for UDP the kernel chooses the port.
    func address() -> SocketAddress {
        switch self {
        case .ipv4: .ipv4(.loopback, port: 0)
        case .ipv6: .ipv6(.loopback, port: 0)
        case .unixPath: .unix(path: "/tmp/proactor-\(UUID().uuidString)")
        case .unixAbstract: .unixAbstract(name: Array("proactor-\(UUID().uuidString)".utf8))
        }
    }
}
