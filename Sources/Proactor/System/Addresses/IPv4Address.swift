import Glibc

/// An IPv4 address.
///
/// ```swift
/// let address = IPv4Address("192.0.2.7")
/// ```
public struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
    /// The address as a number: `127.0.0.1` is `0x7f00_0001`.
    public let rawValue: UInt32

    /// The address with this number.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Four decimal numbers with dots between them; `nil` for anything else, a name in particular.
    public init?(_ text: String) {
        var parsed = in_addr()
        // C would read the part before a zero, which is another address.
        guard !text.utf8.contains(0), inet_pton(AF_INET, text, &parsed) == 1 else { return nil }
        rawValue = UInt32(bigEndian: parsed.s_addr)
    }

    /// `0.0.0.0`: every interface.
    public static let any = IPv4Address(rawValue: 0)
    /// `127.0.0.1`: this machine.
    public static let loopback = IPv4Address(rawValue: 0x7f00_0001)

    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 255).\(rawValue >> 8 & 255).\(rawValue & 255)"
    }
}
