import CLines
import Testing

/// What all contenders do with lines.
struct LinesTests {
    private static let long = "?two" + String(repeating: "x", count: 100) + "\n"
    private static let text = "hello\n?one\n\n?\nlast? no\n\(long)open ?end"

    /// Questions come out whole, however the stream is cut.
    @Test(arguments: [1, 2, 3, 7, 30, 1_000])
    func questionsAreFoundInAnyPieces(_ pieceBytes: Int) {
        var lines = clines()
        var found: [String] = []
        let bytes = Array(Self.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            let piece = Array(bytes[start..<min(start + pieceBytes, bytes.count)])
            found += Self.questions(in: piece, &lines)
        }
        #expect(found == ["?one\n", "?\n", Self.long])
        #expect(lines.count == 6)
        // The work is the same however the lines were cut, as long as they are short.
        var whole = clines()
        _ = Self.questions(in: bytes, &whole)
        #expect(lines.weight == whole.weight && whole.weight != 0)
    }

    /// In pieces it does not fit what is kept; it is a line, and the next one is found.
    @Test func aLineThatIsTooLongIsNotAnswered() {
        var lines = clines()
        let long = Array("?".utf8) + Array(repeating: UInt8(ascii: "x"), count: 10_000)
        #expect(Self.questions(in: long, &lines).isEmpty)
        #expect(Self.questions(in: Array("y\n?next\n".utf8), &lines) == ["?next\n"])
        #expect(lines.count == 2)
    }

    private static func questions(in bytes: [UInt8], _ lines: inout clines) -> [String] {
        var found: [String] = []
        var position = 0
        var line: UnsafePointer<UInt8>?
        bytes.withUnsafeBufferPointer { bytes in
            while true {
                let count = clines_next_question(&lines, bytes.baseAddress, bytes.count, &position, &line)
                guard count > 0, let line else { return }
                found.append(String(decoding: UnsafeBufferPointer(start: line, count: count), as: UTF8.self))
            }
        }
        return found
    }
}
