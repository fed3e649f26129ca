extension Array where Element == UInt8 {
    /// A copy of bytes that are lent, such as those of ``StreamProtocol/dataReceived(_:)``.
    ///
    /// ```swift
    /// func dataReceived(_ data: RawSpan) { received.append(Array(data)) }
    /// ```
    public init(_ bytes: RawSpan) {
        // They are plain bytes, and lent for longer than this takes.
        self = bytes.withUnsafeBytes { Array($0) }
    }

    /// Adds a copy of bytes that are lent.
    public mutating func append(contentsOf bytes: RawSpan) {
        // They are plain bytes, and lent for longer than this takes.
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }
}

extension String {
    /// The text of bytes that are lent. What is no UTF-8 becomes U+FFFD, as where a piece of a stream ends within a character.
    ///
    /// ```swift
    /// func datagramReceived(_ data: RawSpan, from source: SocketAddress) {
    ///     print(String(decoding: data, as: UTF8.self), "from", source)
    /// }
    /// ```
    public init(decoding bytes: RawSpan, as encoding: UTF8.Type) {
        // They are plain bytes, and lent for longer than this takes.
        self = bytes.withUnsafeBytes { String(decoding: $0, as: encoding) }
    }
}
