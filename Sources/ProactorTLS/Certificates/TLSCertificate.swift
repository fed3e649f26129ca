import COpenSSL
import Proactor
import SystemPackage

/// A certificate (X.509), and what it says.
///
/// ```swift
/// if let certificate = transport.extraInfo(.tlsPeerCertificate) {
///     print(certificate.subject, certificate.hostNames)
/// }
/// ```
public struct TLSCertificate: Hashable, Sendable {
    /// The certificate itself (DER).
    public let bytes: [UInt8]
    /// Whose it is, such as `CN=www.example.com,O=Example`.
    public let subject: String
    /// Who signed it.
    public let issuer: String
    /// The host names that it is for, such as `*.example.com`.
    public let hostNames: [String]
    /// The IP addresses that it is for.
    public let addresses: [String]
    /// From when it is valid, as the time since 1970 began (UTC).
    public let validFrom: Duration
    /// Until when it is valid, as the time since 1970 began (UTC).
    public let validUntil: Duration

    /// Reads a certificate from its bytes, PEM or DER. What follows it is left alone.
    ///
    /// - Throws: `TLSError` with the reason `unreadable`.
    public init(_ bytes: [UInt8]) throws(TLSError) {
        let all = try TLSCertificateReader.certificates(
            in: bytes,
            called: "a certificate in memory",
            limit: 1
        )
        self.init(all[0])
    }

    /// Reads all certificates of a file, PEM or DER, in their order.
    ///
    /// It waits for the disk.
    ///
    /// - Throws: `TLSError` with the reason `unreadable`, which names the file.
    public static func certificates(inFile path: FilePath) throws(TLSError) -> [TLSCertificate] {
        let bytes = try TLSFile.bytes(of: path)
        return try TLSCertificateReader.certificates(in: bytes, called: path.string).map(TLSCertificate.init)
    }

    init(_ certificate: OpenSSLCertificate) {
        bytes = certificate.bytes
        subject = Self.text(certificate.lend { cssl_certificate_subject($0) })
        issuer = Self.text(certificate.lend { cssl_certificate_issuer($0) })
        (hostNames, addresses) = Self.names(of: certificate)
        var from: Int64 = 0
        var until: Int64 = 0
        _ = certificate.lend { cssl_certificate_validity($0, &from, &until) }
        validFrom = .seconds(from)
        validUntil = .seconds(until)
    }

    private static func text(_ text: UnsafeMutablePointer<CChar>?) -> String {
        guard let text else { return "" }
        defer { cssl_free(text) }
        return String(cString: text)
    }

    private static func names(of certificate: OpenSSLCertificate) -> (hosts: [String], addresses: [String]) {
        guard let names = certificate.lend({ cssl_names_create($0) }) else { return ([], []) }
        defer { cssl_names_destroy(names) }
        var hosts: [String] = []
        var addresses: [String] = []
        for number in 0..<cssl_names_count(names) {
            var start: UnsafePointer<UInt8>?
            var size = 0
            let kind = cssl_name(names, number, &start, &size)
            // The bytes are the list's, which lives until this returns.
            let bytes = Array(UnsafeBufferPointer(start: start, count: size))
            switch kind {
            case CSSL_NAME_HOST: hosts.append(String(decoding: bytes, as: UTF8.self))
            case CSSL_NAME_ADDRESS: addresses.append(TLSAddressText.text(of: bytes))
            default: break
            }
        }
        return (hosts, addresses)
    }
}

extension TLSCertificate: CustomStringConvertible {
    public var description: String {
        let names = hostNames + addresses
        return names.isEmpty ? subject : "\(subject) (\(names.joined(separator: ", ")))"
    }
}

/// How the bytes of an IP address are written.
enum TLSAddressText {
    static func text(of bytes: [UInt8]) -> String {
        guard bytes.count == 16 else { return bytes.map { "\($0)" }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
        let hole = longestZeros(groups)
        let text = { (part: ArraySlice<Int>) in
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let hole else { return text(groups[...]) }
        return text(groups[..<hole.lowerBound]) + "::" + text(groups[hole.upperBound...])
    }

    /// The first of the longest runs of two zeros or more (RFC 5952).
    private static func longestZeros(_ groups: [Int]) -> Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > max(longest?.count ?? 0, 1) { longest = start..<end }
            start = end + 1
        }
        return longest
    }
}
