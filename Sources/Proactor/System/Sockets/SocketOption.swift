import Glibc

/// A socket option with an integer value: its level and name for `setsockopt(2)`.
///
/// ```swift
/// try transport.extraInfo(.socket)?.setOption(.receiveBufferSize, to: 1 << 20)
/// ```
public struct SocketOption: Hashable, Sendable {
    /// The protocol level, such as `SOL_SOCKET`.
    public let level: Int32
    /// The option's number at that level.
    public let name: Int32

    /// Any option that takes an integer.
    public init(level: Int32, name: Int32) {
        self.level = level
        self.name = name
    }

    /// Bind to an address whose former connections still linger (`SO_REUSEADDR`).
    public static let reuseAddress = SocketOption(level: SOL_SOCKET, name: SO_REUSEADDR)
    /// Let several sockets share a port; the kernel spreads connections over them (`SO_REUSEPORT`).
    public static let reusePort = SocketOption(level: SOL_SOCKET, name: SO_REUSEPORT)
    /// Probe a silent peer (`SO_KEEPALIVE`).
    public static let keepAlive = SocketOption(level: SOL_SOCKET, name: SO_KEEPALIVE)
    /// Allow sending to a broadcast address (`SO_BROADCAST`).
    public static let broadcast = SocketOption(level: SOL_SOCKET, name: SO_BROADCAST)
    /// The kernel's send buffer, in bytes (`SO_SNDBUF`).
    public static let sendBufferSize = SocketOption(level: SOL_SOCKET, name: SO_SNDBUF)
    /// The kernel's receive buffer, in bytes (`SO_RCVBUF`).
    public static let receiveBufferSize = SocketOption(level: SOL_SOCKET, name: SO_RCVBUF)
    /// Send small segments at once instead of gathering them (`TCP_NODELAY`).
    public static let noDelay = SocketOption(level: Int32(IPPROTO_TCP), name: TCP_NODELAY)
    /// Keep an IPv6 socket from taking IPv4 connections (`IPV6_V6ONLY`).
    public static let ipv6Only = SocketOption(level: Int32(IPPROTO_IPV6), name: IPV6_V6ONLY)

    /// Hand over UDP datagrams of one sender that came in a row as one, with a note of how long each is (`UDP_GRO`).
    static let joinDatagrams = SocketOption(level: Int32(IPPROTO_UDP), name: 104)
    static let socketType = SocketOption(level: SOL_SOCKET, name: SO_TYPE)
    static let addressFamily = SocketOption(level: SOL_SOCKET, name: SO_DOMAIN)
}
