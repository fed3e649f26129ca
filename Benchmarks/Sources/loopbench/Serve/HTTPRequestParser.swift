/// Finds the requests in what one HTTP/1 connection receives, however it is cut into pieces.
///
/// It reads what decides about framing and the connection's life: the request line, `Connection`, `Content-Length` and
/// `Transfer-Encoding`. A body is skipped.
struct HTTPRequestParser {
    /// What a server has to know to answer.
    struct Request {
        var isHead = false
        var keepsAlive = true
    }

    /// A request that cannot be answered; the connection ends with it.
    enum Problem: Error {
        case malformed
        case headTooLarge
        case unsupportedVersion
        case unsupportedTransferEncoding

        var status: String {
            switch self {
            case .malformed: "400 Bad Request"
            case .headTooLarge: "431 Request Header Fields Too Large"
            case .unsupportedVersion: "505 HTTP Version Not Supported"
            case .unsupportedTransferEncoding: "501 Not Implemented"
            }
        }
    }

    private enum Place {
        case requestLine
        case fields
        case body
    }

    private static let headBytesMax = 16 * 1024

    private var place = Place.requestLine
    private var request = Request()
    private var headBytes = 0
    private var bodyBytes: Int?
    /// The beginning of a line whose end has not come.
    private var lineStart: [UInt8] = []

    /// The next request that is whole with `data`, of which what lies before `position` was read; nil when there is none.
    mutating func nextRequest(in data: RawSpan, from position: inout Int) throws(Problem) -> Request? {
        // The memory is only read, and only within the call.
        try data.withUnsafeBytes { (bytes) throws(Problem) in try nextRequest(in: bytes, from: &position) }
    }

    private mutating func nextRequest(
        in bytes: UnsafeRawBufferPointer,
        from position: inout Int
    ) throws(Problem) -> Request? {
        while true {
            if place == .body {
                let skipped = min(bodyBytes ?? 0, bytes.count - position)
                position += skipped
                bodyBytes = (bodyBytes ?? 0) - skipped
                guard bodyBytes == 0 else { return nil }
                return finish()
            }
            guard let line = try nextLine(in: bytes, from: &position) else { return nil }
            switch place {
            case .requestLine:
                // Empty lines before a request are to be forgiven (RFC 9112, 2.2).
                if !line.isEmpty { try readRequestLine(line) }
            case .fields where line.isEmpty: place = .body
            case .fields: try readField(line)
            case .body: break
            }
            lineStart.removeAll(keepingCapacity: true)
        }
    }

    /// The next whole line without its end; nil keeps what there is of it for the next piece.
    private mutating func nextLine(
        in bytes: UnsafeRawBufferPointer,
        from position: inout Int
    ) throws(Problem) -> UnsafeRawBufferPointer? {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
        let end = rest.firstIndex(of: UInt8(ascii: "\n"))
        let taken = end.map { $0 + 1 } ?? rest.count
        position += taken
        headBytes += taken
        guard headBytes <= Self.headBytesMax else { throw .headTooLarge }
        guard let end else {
            lineStart.append(contentsOf: rest)
            return nil
        }
        guard lineStart.isEmpty else {
            lineStart.append(contentsOf: rest[..<end])
            // It stays as it is until the line was read.
            return lineStart.withUnsafeBytes { withoutReturn($0) }
        }
        return withoutReturn(UnsafeRawBufferPointer(rebasing: rest[..<end]))
    }

    private func withoutReturn(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        line.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
    }

    private mutating func finish() -> Request {
        defer {
            place = .requestLine
            request = Request()
            headBytes = 0
            bodyBytes = nil
        }
        return request
    }
}

// MARK: - Lines

extension HTTPRequestParser {
    private mutating func readRequestLine(_ line: UnsafeRawBufferPointer) throws(Problem) {
        let space = UInt8(ascii: " ")
        guard let methodEnd = line.firstIndex(of: space), let targetEnd = line.lastIndex(of: space),
            methodEnd > 0, targetEnd > methodEnd + 1
        else { throw .malformed }
        let version = line[(targetEnd + 1)...]
        guard version.count == 8, version.starts(with: "HTTP/".utf8) else { throw .malformed }
        guard version.starts(with: "HTTP/1.".utf8) else { throw .unsupportedVersion }
        request.keepsAlive = version.last != UInt8(ascii: "0")
        request.isHead = methodEnd == 4 && line.starts(with: "HEAD".utf8)
        place = .fields
    }

    private mutating func readField(_ line: UnsafeRawBufferPointer) throws(Problem) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { throw .malformed }
        // The length tells nearly all fields that do not matter here, without a look at the letters.
        switch colon {
        case 10 where isName(line[..<colon], "connection"): readConnection(line[(colon + 1)...])
        case 14 where isName(line[..<colon], "content-length"): try readLength(line[(colon + 1)...])
        case 17 where isName(line[..<colon], "transfer-encoding"): throw .unsupportedTransferEncoding
        default: break
        }
    }

    private mutating func readConnection(_ value: Slice<UnsafeRawBufferPointer>) {
        for option in value.split(separator: UInt8(ascii: ",")) {
            let option = trimmed(option)
            if isName(option, "close") { request.keepsAlive = false }
            if isName(option, "keep-alive") { request.keepsAlive = true }
        }
    }

    private mutating func readLength(_ value: Slice<UnsafeRawBufferPointer>) throws(Problem) {
        let digits = trimmed(value)
        guard !digits.isEmpty, digits.count <= 15, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw .malformed
        }
        let length = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard bodyBytes ?? length == length else { throw .malformed }
        bodyBytes = length
    }

    private func trimmed(_ value: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard let first = value.firstIndex(where: { !isBlank($0) }),
            let last = value.lastIndex(where: { !isBlank($0) })
        else { return value[value.endIndex...] }
        return value[first...last]
    }

    /// Whether `name` is `expected`, which is in small letters, in any case.
    private func isName(_ name: Slice<UnsafeRawBufferPointer>, _ expected: StaticString) -> Bool {
        guard name.count == expected.utf8CodeUnitCount else { return false }
        let smallA = UInt8(ascii: "a")
        let letters = UnsafeBufferPointer(start: expected.utf8Start, count: name.count)
        return zip(name, letters).allSatisfy { (byte: UInt8, letter: UInt8) -> Bool in
            byte == letter || (letter >= smallA && byte == letter ^ 0x20)
        }
    }
}
