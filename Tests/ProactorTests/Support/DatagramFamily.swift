import Foundation

@testable import Proactor

/// The kinds of addresses that datagrams go by.
enum DatagramFamily: CaseIterable, Sendable {
    case ipv4
    case ipv6
    case unixPath
    case unixAbstract

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
