import COpenSSL
import Proactor

/// Whom a client means to reach, as TLS writes it: a host's name in ASCII without a dot at its end, or an IP address.
struct TLSServerName: Hashable, Sendable {
    /// The name or address in one spelling.
    let text: String
    /// The address's bytes; `nil` for a name.
    let address: [UInt8]?

    private static let nameLengthMax = 253
    private static let labelLengthMax = 63
    private static let addressSizeMax = 16

    /// - Throws: `TLSError`: it is neither.
    init(_ text: String) throws(TLSError) {
        if let (address, spelling) = Self.address(in: text) {
            self.address = address
            self.text = spelling
        } else {
            address = nil
            self.text = try Self.asciiName(of: text)
        }
    }

    // MARK: Addresses

    private static func address(in text: String) -> (bytes: [UInt8], spelling: String)? {
        var spelling = text[...]
        if spelling.hasPrefix("["), spelling.hasSuffix("]") { spelling = spelling.dropFirst().dropLast() }
        // The zone says by which interface; a certificate says nothing of that.
        if spelling.contains(":") { spelling = spelling.prefix { $0 != "%" } }
        guard spelling.utf8.allSatisfy(isOfAddress) else { return nil }
        var bytes = [UInt8](repeating: 0, count: addressSizeMax)
        let spelled = String(spelling)
        let size = cssl_read_address(spelled, &bytes)
        return size > 0 ? (Array(bytes[..<size]), spelled) : nil
    }

    private static func isOfAddress(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "."),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    // MARK: Names

    private static func asciiName(of text: String) throws(TLSError) -> String {
        var labels = text.lowercased().split(omittingEmptySubsequences: false) { dots.contains($0) }
        if labels.last == "", labels.count > 1 { labels.removeLast() }
        var ascii: [String] = []
        for label in labels {
            let isASCII = label.utf8.allSatisfy { $0 < 0x80 }
            let label = isASCII ? String(label) : "xn--" + Punycode.encode(label)
            guard isLabel(label) else { throw invalid(text) }
            ascii.append(label)
        }
        let name = ascii.joined(separator: ".")
        guard name.utf8.count <= nameLengthMax else { throw invalid(text) }
        return name
    }

    /// The dot, and what some keyboards write for it (RFC 3490, 3.1).
    private static let dots: Set<Character> = [".", "\u{3002}", "\u{FF0E}", "\u{FF61}"]

    private static func isLabel(_ label: String) -> Bool {
        guard !label.isEmpty, label.utf8.count <= labelLengthMax else { return false }
        guard label.first != "-", label.last != "-" else { return false }
        return label.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func invalid(_ text: String) -> TLSError {
        TLSError(
            .context,
            .invalidSetting(
                "the server name \"\(text)\" is neither a host name nor an IP address; give the name that is in the server's certificate"
            ),
            side: .client
        )
    }
}
