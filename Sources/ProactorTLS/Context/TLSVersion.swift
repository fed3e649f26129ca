/// A version of TLS. Older ones than 1.2 are not offered: they are broken (RFC 8996).
///
/// ```swift
/// var configuration = TLSConfiguration()
/// configuration.minimumVersion = .tls13
/// ```
public enum TLSVersion: UInt16, Hashable, Sendable, CaseIterable, Comparable {
    /// TLS 1.2 (RFC 5246).
    case tls12 = 0x0303
    /// TLS 1.3 (RFC 8446).
    case tls13 = 0x0304

    public static func < (one: TLSVersion, other: TLSVersion) -> Bool { one.rawValue < other.rawValue }
}
