import Glibc

/// What ``NetworkEventLoop/getnameinfo(_:flags:)`` answers with: the `NI_` flags of getnameinfo(3).
///
/// ```swift
/// let numbers = try await loop.getnameinfo(address, flags: [.numericHost, .numericService])
/// ```
public struct NameInfoFlags: OptionSet, Hashable, Sendable {
    /// The flags as getnameinfo(3) takes them.
    public let rawValue: Int32

    /// Any of getnameinfo(3)'s flags.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The address in numbers instead of the host's name (`NI_NUMERICHOST`).
    public static let numericHost = NameInfoFlags(rawValue: NI_NUMERICHOST)
    /// The port instead of the service's name (`NI_NUMERICSERV`).
    public static let numericService = NameInfoFlags(rawValue: NI_NUMERICSERV)
    /// The first part only of a name in this machine's own domain (`NI_NOFQDN`).
    public static let localName = NameInfoFlags(rawValue: NI_NOFQDN)
    /// An error rather than numbers when the host has no name (`NI_NAMEREQD`).
    public static let nameRequired = NameInfoFlags(rawValue: NI_NAMEREQD)
    /// The service that uses the port with datagrams (`NI_DGRAM`).
    public static let datagram = NameInfoFlags(rawValue: NI_DGRAM)
}
