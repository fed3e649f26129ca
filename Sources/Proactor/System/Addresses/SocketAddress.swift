import Glibc
import SystemPackage

/// Where a socket is, or where it should connect to.
///
/// A Unix socket's path is bytes, of no particular encoding. Two addresses are the same when their bytes are, in whichever of
/// the two forms they are written: ``unix(path:)`` for what is text, ``unixBytes(path:)`` for anything.
///
/// ```swift
/// let server = SocketAddress.ipv4(.loopback, port: 8080)
/// let local = SocketAddress.unix(path: "/run/app.sock")
/// let other = SocketAddress(unixPath: [0x2f, 0x74, 0x6d, 0x70, 0x2f, 0xff])  // /tmp/ and a byte that is no text
/// ```
public enum SocketAddress: Sendable {
    /// An IPv4 address and port.
    case ipv4(IPv4Address, port: UInt16)
    /// An IPv6 address and port; `scopeID` is the interface's index for a link-local address.
    case ipv6(IPv6Address, port: UInt16, flowInfo: UInt32 = 0, scopeID: UInt32 = 0)
    /// A Unix socket in the file system, by a path of 107 bytes at most.
    case unix(path: String)
    /// A Unix socket in the file system, by a path that need not be text, of 108 bytes at most. What the system reports is in
    /// this form only when ``unix(path:)`` cannot hold it.
    case unixBytes(path: [UInt8])
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

    /// A Unix socket's path of these bytes, in the form that holds them.
    public init(unixPath bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count < Self.unixNameCapacity, let text = String(validating: bytes, as: UTF8.self) else {
            self = .unixBytes(path: bytes)
            return
        }
        self = .unix(path: text)
    }

    /// A Unix socket's path.
    public init(unixPath path: FilePath) {
        self.init(
            unixPath: path.withPlatformString { text in
                // The path lends its bytes, which end in a zero, for this call.
                Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
            }
        )
    }

    /// The address's family.
    public var family: AddressFamily {
        switch self {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        case .unix, .unixBytes, .unixAbstract, .unixUnnamed: .unix
        }
    }

    /// The port; `nil` for a Unix socket.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port, _, _): port
        case .unix, .unixBytes, .unixAbstract, .unixUnnamed: nil
        }
    }

    /// The IP address as text; `nil` for a Unix socket.
    public var host: String? {
        switch self {
        case .ipv4(let address, _): address.description
        case .ipv6(let address, _, _, 0): address.description
        case .ipv6(let address, _, _, let scope): "\(address)%\(scope)"
        case .unix, .unixBytes, .unixAbstract, .unixUnnamed: nil
        }
    }

    /// The bytes of a Unix socket's path; `nil` for every other address.
    public var pathBytes: [UInt8]? {
        switch self {
        case .unix(let path): Array(path.utf8)
        case .unixBytes(let path): path
        case .ipv4, .ipv6, .unixAbstract, .unixUnnamed: nil
        }
    }

    /// The same address with another port; a Unix address is returned as it is.
    public func withPort(_ port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port: port)
        case .ipv6(let address, _, let flow, let scope):
            .ipv6(address, port: port, flowInfo: flow, scopeID: scope)
        case .unix, .unixBytes, .unixAbstract, .unixUnnamed: self
        }
    }
}

extension SocketAddress: Hashable {
    public static func == (left: SocketAddress, right: SocketAddress) -> Bool {
        switch (left, right) {
        case (.ipv4(let left, let leftPort), .ipv4(let right, let rightPort)):
            left == right && leftPort == rightPort
        case (
            .ipv6(let left, let leftPort, let leftFlow, let leftScope),
            .ipv6(let right, let rightPort, let rightFlow, let rightScope)
        ):
            left == right && leftPort == rightPort && leftFlow == rightFlow && leftScope == rightScope
        // Not as texts: those are the same to Swift when they read the same, and two files may.
        case (.unix(let left), .unix(let right)): left.utf8.elementsEqual(right.utf8)
        case (.unixBytes(let left), .unixBytes(let right)): left == right
        case (.unix(let text), .unixBytes(let bytes)), (.unixBytes(let bytes), .unix(let text)):
            text.utf8.elementsEqual(bytes)
        case (.unixAbstract(let left), .unixAbstract(let right)): left == right
        case (.unixUnnamed, .unixUnnamed): true
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .ipv4(let address, let port):
            hasher.combine(address)
            hasher.combine(port)
        case .ipv6(let address, let port, let flow, let scope):
            hasher.combine(address)
            hasher.combine(port)
            hasher.combine(flow)
            hasher.combine(scope)
        case .unix(let path): for byte in path.utf8 { hasher.combine(byte) }
        case .unixBytes(let path): for byte in path { hasher.combine(byte) }
        case .unixAbstract(let name):
            // A path never begins with it.
            hasher.combine(0 as UInt8)
            hasher.combine(name)
        case .unixUnnamed: break
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
    /// `127.0.0.1:80`, `[::1]:80`, `/run/app.sock`, `@name`. What would not show, or is no text, is written as `\x` and two
    /// digits for each byte, and a backslash twice.
    public var description: String {
        switch self {
        case .ipv4(let address, let port): "\(address):\(port)"
        case .ipv6(_, let port, _, _): "[\(host ?? "")]:\(port)"
        case .unix(let path): EscapedBytes.text(of: Array(path.utf8))
        case .unixBytes(let path): EscapedBytes.text(of: path)
        case .unixAbstract(let name): "@" + EscapedBytes.text(of: name)
        case .unixUnnamed: "(unnamed)"
        }
    }
}

/// Looking up network interfaces.
enum NetworkInterface {
    /// The index by which the kernel knows the interface called `name`.
    static func index(named name: String) -> UInt32? {
        // C would look the part before a zero up, which is another name.
        let index = name.utf8.contains(0) ? 0 : if_nametoindex(name)
        return index == 0 ? nil : index
    }
}
