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
        /// lets the kernel choose, for each address anew unless ``ServerOptions/samePort`` is set.
        case tcp(hosts: [String], port: UInt16)
        /// As ``tcp(hosts:port:)``, the port by a service's name such as `http`, as `getaddrinfo(3)` takes it.
        case service(hosts: [String], name: String)
        /// A Unix socket, by path or by abstract name.
        case unix(SocketAddress)
        /// A bound stream socket, which the server owns from here on. It is bound, so what says how to bind is refused.
        case socket(FileDescriptor)
    }

    /// What the server listens on.
    public var endpoint: Endpoint
    /// Only addresses of this family, and of a given socket, that it is of this family; `nil` takes all.
    public var family: AddressFamily?
    /// How names are looked up.
    public var flags: AddressInfoFlags = .passive
    /// How many connections the kernel may hold that the server has not accepted yet: as many as the system permits
    /// (``largestBacklog``) unless set.
    public var backlog = Int32(ServerOptions.largestBacklog)
    /// A backlog that the kernel cuts to what the system permits: `net.core.somaxconn`, which is 4096 unless somebody has changed
    /// it. A shorter one turns away, or keeps waiting for a second, those who come in a burst; a longer one costs nothing.
    public static let largestBacklog = Int(Int32.max)
    /// How many connections the server has at most, on each loop of a group; `nil` is without a bound. Those beyond it wait in the
    /// kernel, as the backlog has room, until one is lost. It keeps descriptors for the service itself where `ulimit -n` is low.
    public var maxConnections: Int?
    /// The idle time-out of each connection, from the start: see ``ConnectionTransport/setIdleTimeout(_:)``.
    public var idleTimeout: Duration?
    /// Bind although former connections still linger at the address: true unless it is set. It goes with TCP addresses that
    /// the server binds, and set to true it is refused for anything else.
    public var reuseAddress: Bool {
        get { reuseAddressIfSet ?? true }
        set { reuseAddressIfSet = newValue }
    }
    var reuseAddressIfSet: Bool?
    /// Share the port with other sockets that ask for the same; the kernel spreads the connections.
    public var reusePort = false
    /// With port 0 on several addresses: one port for all of them, which the kernel chooses. Otherwise each address, and so
    /// each family, has a port of its own then.
    public var samePort = false
    /// Probe silent peers. TCP only.
    public var keepAlive = false
    /// Accept at once; otherwise only after ``Server/startServing()``.
    public var startServing = true
    /// Remove a Unix socket's path when the server closes, unless another socket stands there by then. That goes for a socket
    /// that was given, too.
    public var cleanupSocket = true
    /// What the file of a Unix socket permits, whatever the process's mask is, and before anybody can connect: to connect
    /// takes the permission to write. `nil` leaves it to the mask. For sockets that the server binds to a path.
    public var permissions: FilePermissions?
    /// Encrypts each connection, as the server's side of TLS; `nil` leaves them plain. A connection has its `connectionMade` after the
    /// handshake, and until then it counts as one of the server's all the same.
    public var tls: TLSOptions?

    /// Options with everything but the endpoint as usual.
    public init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}
