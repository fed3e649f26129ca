import Glibc

/// An IPv6 address.
///
/// ```swift
/// let address = IPv6Address("2001:db8::7")
/// ```
public struct IPv6Address: Hashable, Sendable, CustomStringConvertible {
    /// The upper 64 bits as a number.
    public let high: UInt64
    /// The lower 64 bits as a number.
    public let low: UInt64

    /// The address with these halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The usual text form without brackets or scope; `nil` for anything else, a name in particular.
    public init?(_ text: String) {
        var parsed = in6_addr()
        // C would read the part before a zero, which is another address.
        guard !text.utf8.contains(0), inet_pton(AF_INET6, text, &parsed) == 1 else { return nil }
        self.init(parsed)
    }

    init(_ address: in6_addr) {
        let halves = unsafeBitCast(address, to: (UInt64, UInt64).self)  // both are 16 plain bytes
        high = UInt64(bigEndian: halves.0)
        low = UInt64(bigEndian: halves.1)
    }

    var kernelForm: in6_addr {
        unsafeBitCast((high.bigEndian, low.bigEndian), to: in6_addr.self)  // both are 16 plain bytes
    }

    /// `::`: every interface.
    public static let any = IPv6Address(high: 0, low: 0)
    /// `::1`: this machine.
    public static let loopback = IPv6Address(high: 0, low: 1)

    public var description: String {
        var address = kernelForm
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            // The buffer is as long as the longest address, so the call cannot fail.
            guard inet_ntop(AF_INET6, &address, text.baseAddress, socklen_t(text.count)) != nil else {
                return "?"
            }
            return String(cString: text.baseAddress!)
        }
    }
}
