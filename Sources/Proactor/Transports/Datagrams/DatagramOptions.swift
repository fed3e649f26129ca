import SystemPackage

/// Where a datagram endpoint is, and whom it talks to.
///
/// ```swift
/// var options = DatagramOptions(.udp(local: ("0.0.0.0", 5353), remote: nil))
/// options.reusePort = true
/// let (transport, responder) = try await loop.createDatagramEndpoint(options) { Responder() }
/// ```
public struct DatagramOptions: Sendable {
    /// What the endpoint is made of.
    public enum Endpoint: Sendable {
        /// UDP. `local` is the address to bind to: a name, an address, or nothing for every interface, with port 0 for any
        /// port. `remote` is whom to send to; nothing is received from anybody else, unless
        /// ``DatagramOptions/allowBroadcast``. Each may be left out; without both,
        /// ``DatagramOptions/family`` says what kind of socket it is.
        case udp(local: (host: String, port: UInt16)?, remote: (host: String, port: UInt16)?)
        /// As ``udp(local:remote:)``, the ports by services' names such as `domain`, as `getaddrinfo(3)` takes them. `0` is any.
        case service(local: (host: String, name: String)?, remote: (host: String, name: String)?)
        /// A Unix datagram socket, by paths or abstract names. A socket that was left at the local path is replaced; one that is
        /// open there is refused with `EADDRINUSE`. The path stays when the endpoint closes, for the next one to replace;
        /// without a local address nobody can answer.
        case unix(local: SocketAddress?, remote: SocketAddress?)
        /// A datagram socket, bound or connected as it may be, which the transport owns from here on. Of the options only
        /// ``DatagramOptions/family`` goes with it.
        case socket(FileDescriptor)
    }

    /// What the endpoint is made of.
    public var endpoint: Endpoint
    /// Only addresses of this family, and of a given socket, that it is of this family; `nil` takes all.
    public var family: AddressFamily?
    /// Only this protocol, such as `IPPROTO_UDPLITE`; zero is the usual one.
    public var protocolNumber: Int32 = 0
    /// How names are looked up.
    public var flags: AddressInfoFlags = []
    /// Share the port with other endpoints that ask for the same; the kernel spreads the datagrams by their source.
    public var reusePort = false
    /// Allow sending to a broadcast address. The endpoint is not connected then, so that answers from everywhere reach it.
    public var allowBroadcast = false
    /// What the file at a Unix socket's local path permits, whatever the process's mask is, and before anybody can send: that
    /// takes the permission to write. `nil` leaves it to the mask.
    public var permissions: FilePermissions?

    /// Options with everything but the endpoint as usual.
    public init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }
}
