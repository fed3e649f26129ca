import SystemPackage

/// Where and how a server listens.
///
/// ```swift
/// var options = ServerOptions(.tcp(hosts: ["127.0.0.1", "::1"], port: 8080))
/// options.reusePort = true
/// let server = try await loop.createServer(options) { Echo() }
/// ```
public struct ServerOptions: Sendable {
    /// What the server listens on.
    public enum Endpoint: Sendable {
        /// A TCP port on each of the hosts, names or addresses; no host at all means every interface, IPv4 and IPv6. Port 0
        /// lets the kernel choose, for each address anew.
        case tcp(hosts: [String], port: UInt16)
        /// A Unix socket, by path or by abstract name.
        case unix(SocketAddress)
        /// A bound stream socket, which the server owns from here on.
        case socket(FileDescriptor)
    }

    /// What the server listens on.
    public var endpoint: Endpoint
    /// Only addresses of this family, and of a given socket, that it is of this family; `nil` takes all.
    public var family: AddressFamily?
    /// How names are looked up.
    public var flags: AddressInfoFlags = .passive
    /// How many connections the kernel may hold that the server has not accepted yet.
    public var backlog: Int32 = 100
    /// Bind although former connections still linger at the address.
    public var reuseAddress = true
    /// Share the port with other sockets that ask for the same; the kernel spreads the connections.
    public var reusePort = false
    /// Probe silent peers.
    public var keepAlive = false
    /// Accept at once; otherwise only after ``Server/startServing()``.
    public var startServing = true
    /// Remove a Unix socket's path when the server closes, unless another socket stands there by then.
    public var cleanupSocket = true

    /// Options with everything but the endpoint as usual.
    public init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}
