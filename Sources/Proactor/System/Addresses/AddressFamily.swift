import Glibc

/// The kind of address that a socket has.
///
/// ```swift
/// let server = try await loop.createServer(port: 8080, family: .ipv6) { Echo() }
/// ```
public enum AddressFamily: Hashable, Sendable, CaseIterable {
    /// IPv4.
    case ipv4
    /// IPv6.
    case ipv6
    /// A path or an abstract name on this machine.
    case unix

    package init?(rawValue: Int32) {
        switch rawValue {
        case AF_INET: self = .ipv4
        case AF_INET6: self = .ipv6
        case AF_UNIX: self = .unix
        default: return nil
        }
    }

    package var rawValue: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }
}
