import SystemPackage

/// Names a piece of what a transport knows, and its type.
///
/// ```swift
/// if let peer = transport.extraInfo(.peerName) { print("connected to \(peer)") }
/// ```
public struct ExtraInfoKey<Value>: Sendable {
    /// The key's own name, unique among keys.
    public let name: String

    /// A key for a transport of your own.
    public init(_ name: String) {
        self.name = name
    }
}

extension ExtraInfoKey where Value == SocketAddress {
    /// The other end's address, also after the connection is lost.
    public static var peerName: ExtraInfoKey { ExtraInfoKey("peerName") }
    /// This end's address.
    public static var socketName: ExtraInfoKey { ExtraInfoKey("socketName") }
}

extension ExtraInfoKey where Value == FileDescriptor {
    /// A pipe's descriptor, which stays the transport's own.
    public static var pipe: ExtraInfoKey { ExtraInfoKey("pipe") }
}

extension ExtraInfoKey where Value == TransportSocket {
    /// The socket itself, for its options.
    public static var socket: ExtraInfoKey { ExtraInfoKey("socket") }
}

extension ExtraInfoKey where Value == PeerCredentials {
    /// Who is at the other end of a Unix stream, as long as the socket is open; `nil` for other sockets.
    public static var peerCredentials: ExtraInfoKey { ExtraInfoKey("peerCredentials") }
}
