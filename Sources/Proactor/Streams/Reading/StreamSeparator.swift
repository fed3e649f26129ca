/// What ends a piece of a stream: some bytes, or one of several.
@usableFromInline
enum StreamSeparator: Sendable {
    case byte(UInt8)
    /// Up to eight bytes, without memory of their own.
    case short(UInt64, count: Int)
    case long([UInt8])
    case anyOf([[UInt8]])

    static let newline = StreamSeparator.byte(UInt8(ascii: "\n"))

    @usableFromInline
    init(_ text: String) throws(EventLoopError) {
        try self.init(text.utf8)
    }

    @usableFromInline
    init(_ bytes: [UInt8]) throws(EventLoopError) {
        try self.init(bytes[...])
    }

    private init(_ bytes: some Collection<UInt8>) throws(EventLoopError) {
        switch bytes.count {
        case 0: throw .invalidArgument("a separator must have a byte at least")
        case 1: self = .byte(bytes[bytes.startIndex])
        case 2...8:
            var word: UInt64 = 0
            // The first byte is the lowest, as in memory on every machine of this library's.
            for byte in bytes.reversed() { word = word << 8 | UInt64(byte) }
            self = .short(UInt64(littleEndian: word), count: bytes.count)
        default: self = .long(Array(bytes))
        }
    }

    @usableFromInline
    init(anyOf texts: [String]) throws(EventLoopError) {
        try self.init(anyOf: texts.map { Array($0.utf8) })
    }

    @usableFromInline
    init(anyOf separators: [[UInt8]]) throws(EventLoopError) {
        guard !separators.isEmpty else {
            throw .invalidArgument("there must be a separator at least")
        }
        guard !separators.contains([]) else {
            throw .invalidArgument("a separator must have a byte at least")
        }
        self = .anyOf(separators)
    }

    /// How many bytes of what was searched may be the beginning of a separator: the longest one's but one.
    var overlap: Int {
        switch self {
        case .byte: 0
        case .short(_, let count): count - 1
        case .long(let bytes): bytes.count - 1
        case .anyOf(let all): (all.map(\.count).max() ?? 1) - 1
        }
    }

    /// Finds the piece that ends first, in what `buffer` holds from `offset` on.
    func firstMatch(in buffer: borrowing StreamBuffer, from offset: Int) -> SeparatorMatch? {
        switch self {
        case .byte(let byte):
            return buffer.index(of: byte, from: offset, to: buffer.count).map { SeparatorMatch($0, 1) }
        case .short(let word, let count):
            return withUnsafeBytes(of: word) { bytes in
                let pattern = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                return buffer.index(of: pattern, from: offset, to: buffer.count)
                    .map { SeparatorMatch($0, count) }
            }
        case .long(let bytes):
            return bytes.withUnsafeBytes { buffer.index(of: $0, from: offset, to: buffer.count) }
                .map { SeparatorMatch($0, bytes.count) }
        case .anyOf(let all):
            return firstMatch(of: all, in: buffer, from: offset)
        }
    }

    private func firstMatch(
        of separators: [[UInt8]],
        in buffer: borrowing StreamBuffer,
        from offset: Int
    ) -> SeparatorMatch? {
        var best: SeparatorMatch?
        var last = buffer.count
        for separator in separators {
            guard
                let index = separator.withUnsafeBytes({ buffer.index(of: $0, from: offset, to: last) })
            else { continue }
            let match = SeparatorMatch(index, separator.count)
            if let best, best.end <= match.end { continue }
            best = match
            // Only what ends before is better.
            last = match.end - 1
        }
        return best
    }
}

/// Where a separator stands.
struct SeparatorMatch {
    /// How many bytes there are before it.
    let start: Int
    /// How many there are with it.
    let end: Int

    init(_ start: Int, _ count: Int) {
        self.start = start
        end = start + count
    }
}
