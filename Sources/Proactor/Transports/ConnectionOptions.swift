import SystemPackage

/// What to connect to, and how.
///
/// ```swift
/// var options = ConnectionOptions(.tcp(host: "localhost", port: 8080))
/// options.allErrors = true
/// let (transport, client) = try await loop.createConnection(options) { Client() }
/// ```
public struct ConnectionOptions: Sendable {
    /// What to connect to.
    public enum Endpoint: Sendable {
        /// A host, by name or address, and a TCP port.
        case tcp(host: String, port: UInt16)
        /// A Unix socket, by path or by abstract name.
        case unix(SocketAddress)
        /// A connected stream socket, which the transport owns from here on.
        case socket(FileDescriptor)
    }

    /// What to connect to.
    public var endpoint: Endpoint
    /// Only addresses of this family; `nil` takes all.
    public var family: AddressFamily?
    /// The address to connect from: one of this host's, with port 0 for any. Candidates of another family than the peer's
    /// address are skipped.
    public var localAddress: (host: String, port: UInt16)?
    /// When every address fails: throw all the reasons in a ``ConnectionError`` rather than the only or first one.
    public var allErrors = false

    /// Options with everything but the endpoint as usual.
    public init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}
