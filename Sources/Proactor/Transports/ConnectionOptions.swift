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
        /// As ``tcp(host:port:)``, the port by a service's name such as `http`, as `getaddrinfo(3)` takes it.
        case service(host: String, name: String)
        /// A Unix socket, by path or by abstract name.
        case unix(SocketAddress)
        /// A connected stream socket, which the transport owns from here on. What is about addresses does not go with it.
        case socket(FileDescriptor)
    }

    /// What to connect to.
    public var endpoint: Endpoint
    /// Only addresses of this family, and of a given socket, that it is of this family; `nil` takes all.
    public var family: AddressFamily?
    /// Only this protocol, such as `IPPROTO_TCP`; zero is the usual one.
    public var protocolNumber: Int32 = 0
    /// How names are looked up.
    public var flags: AddressInfoFlags = []
    /// The address to connect from: one of this host's, with port 0 for any. Candidates of another family than the peer's
    /// address are skipped.
    public var localAddress: (host: String, port: UInt16)?
    /// How long an attempt may take before the next address is tried beside it: RFC 8305's connection attempt
    /// delay, for which it advises 250 ms. `nil` tries the next address when the one before it has failed.
    public var happyEyeballsDelay: Duration?
    /// How many addresses of the first family come before one of another family, and from there on the
    /// families take turns: RFC 8305's first address family count. 0 keeps the resolver's order; `nil` is 1
    /// with a ``happyEyeballsDelay``, and 0 without.
    public var interleave: Int?
    /// When every address fails: throw a ``ConnectionError`` with all the reasons also where they are alike. Otherwise one
    /// ``SocketError`` stands for reasons with the same errno, the first.
    public var allErrors = false
    /// Encrypts the connection, as the client's side of TLS; `nil` leaves it plain.
    public var tls: TLSOptions?

    /// Options with everything but the endpoint as usual.
    public init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}
