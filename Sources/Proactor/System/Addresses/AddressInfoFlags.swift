import Glibc

/// How ``NetworkEventLoop/getaddrinfo(host:service:family:type:protocolNumber:flags:)`` looks up: the `AI_`
/// flags of getaddrinfo(3).
///
/// ```swift
/// let wildcards = try await loop.getaddrinfo(host: nil, port: 80, type: .stream, flags: .passive)
/// ```
public struct AddressInfoFlags: OptionSet, Hashable, Sendable {
    /// The flags as getaddrinfo(3) takes them.
    public let rawValue: Int32

    /// Any of getaddrinfo(3)'s flags.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// No host means every interface, to listen on, rather than loopback (`AI_PASSIVE`).
    public static let passive = AddressInfoFlags(rawValue: AI_PASSIVE)
    /// Find the host's canonical name too (`AI_CANONNAME`).
    public static let canonicalName = AddressInfoFlags(rawValue: AI_CANONNAME)
    /// The host must be an address in numbers (`AI_NUMERICHOST`).
    public static let numericHost = AddressInfoFlags(rawValue: AI_NUMERICHOST)
    /// The service must be a port number (`AI_NUMERICSERV`).
    public static let numericService = AddressInfoFlags(rawValue: AI_NUMERICSERV)
    /// Only families of which this machine has an address besides loopback (`AI_ADDRCONFIG`).
    public static let addressConfigured = AddressInfoFlags(rawValue: AI_ADDRCONFIG)
    /// With IPv6 asked for and not found: IPv4 addresses in IPv6's form (`AI_V4MAPPED`).
    public static let ipv4Mapped = AddressInfoFlags(rawValue: AI_V4MAPPED)
    /// With `ipv4Mapped`: IPv4 addresses also when there are IPv6 ones (`AI_ALL`).
    public static let all = AddressInfoFlags(rawValue: AI_ALL)
}
