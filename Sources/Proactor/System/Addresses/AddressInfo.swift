/// An address that a host and a service stand for, and the kind of socket for it.
///
/// ```swift
/// for found in try await loop.getaddrinfo(host: "localhost", port: 80, type: .stream) {
///     print(found.address)
/// }
/// ```
public struct AddressInfo: Hashable, Sendable {
    /// The address's family.
    public let family: AddressFamily
    /// What the socket carries; `nil` for another type, such as a raw socket.
    public let type: SocketType?
    /// The protocol's number, such as `IPPROTO_TCP`.
    public let protocolNumber: Int32
    /// The host's canonical name: in the first answer only, and only when it was asked for.
    public let canonicalName: String?
    /// The address, the port included.
    public let address: SocketAddress

    /// An answer with all its parts.
    public init(
        address: SocketAddress,
        type: SocketType?,
        protocolNumber: Int32,
        canonicalName: String? = nil
    ) {
        family = address.family
        self.type = type
        self.protocolNumber = protocolNumber
        self.canonicalName = canonicalName
        self.address = address
    }
}
