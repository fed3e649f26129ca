import Glibc

/// Where a socket is, or where it should connect to.
///
/// ```swift
/// let server = SocketAddress.ipv4(.loopback, port: 8080)
/// let local = SocketAddress.unix(path: "/run/app.sock")
/// ```
public enum SocketAddress: Hashable, Sendable {
    /// An IPv4 address and port.
    case ipv4(IPv4Address, port: UInt16)
    /// An IPv6 address and port; `scopeID` is the interface's index for a link-local address.
    case ipv6(IPv6Address, port: UInt16, flowInfo: UInt32 = 0, scopeID: UInt32 = 0)
    /// A Unix socket in the file system.
    case unix(path: String)
    /// A Unix socket in Linux's abstract name space: any bytes, without the leading zero that the kernel sees.
    case unixAbstract(name: [UInt8])
    /// A Unix socket that was never bound, such as a client's own end.
    case unixUnnamed

    /// A numeric IP address and a port; `nil` when `host` is a name. An IPv6 address may end in `%` and an interface.
    public init?(numericHost host: String, port: UInt16) {
        if let address = IPv4Address(host) {
            self = .ipv4(address, port: port)
            return
        }
        let parts = host.split(separator: "%", maxSplits: 1)
        guard let first = parts.first, let address = IPv6Address(String(first)) else { return nil }
        guard parts.count == 2 else {
            self = .ipv6(address, port: port)
            return
        }
        guard let scope = UInt32(parts[1]) ?? NetworkInterface.index(named: String(parts[1])) else {
            return nil
        }
        self = .ipv6(address, port: port, scopeID: scope)
    }

    /// The address's family.
    public var family: AddressFamily {
        switch self {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        case .unix, .unixAbstract, .unixUnnamed: .unix
        }
    }

    /// The port; `nil` for a Unix socket.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port, _, _): port
        case .unix, .unixAbstract, .unixUnnamed: nil
        }
    }

    /// The IP address as text; `nil` for a Unix socket.
    public var host: String? {
        switch self {
        case .ipv4(let address, _): address.description
        case .ipv6(let address, _, _, 0): address.description
        case .ipv6(let address, _, _, let scope): "\(address)%\(scope)"
        case .unix, .unixAbstract, .unixUnnamed: nil
        }
    }

    /// The same address with another port; a Unix address is returned as it is.
    public func withPort(_ port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port: port)
        case .ipv6(let address, _, let flow, let scope):
            .ipv6(address, port: port, flowInfo: flow, scopeID: scope)
        case .unix, .unixAbstract, .unixUnnamed: self
        }
    }
}

extension SocketAddress {
    /// Whether datagrams from both come from one socket. The flow is no part of who that is; nor is the interface where only one of
    /// them names it, as the kernel does for a link-local address alone.
    @inline(__always)
    func isSameSender(as other: SocketAddress) -> Bool {
        switch (self, other) {
        case (.ipv4(let address, let port), .ipv4(let otherAddress, let otherPort)):
            address == otherAddress && port == otherPort
        case (
            .ipv6(let address, let port, _, let scope),
            .ipv6(let otherAddress, let otherPort, _, let otherScope)
        ):
            address == otherAddress && port == otherPort
                && (scope == otherScope || scope == 0 || otherScope == 0)
        default: self == other
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:80`, `[::1]:80`, `/run/app.sock`, `@name`.
    public var description: String {
        switch self {
        case .ipv4(let address, let port): "\(address):\(port)"
        case .ipv6(_, let port, _, _): "[\(host ?? "")]:\(port)"
        case .unix(let path): path
        case .unixAbstract(let name): "@" + String(decoding: name, as: UTF8.self)
        case .unixUnnamed: "(unnamed)"
        }
    }
}

/// Looking up network interfaces.
enum NetworkInterface {
    /// The index by which the kernel knows the interface called `name`.
    static func index(named name: String) -> UInt32? {
        let index = if_nametoindex(name)
        return index == 0 ? nil : index
    }
}
