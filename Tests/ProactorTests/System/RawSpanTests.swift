import Testing

@testable import Proactor

/// Copies of bytes that are lent.
@Suite struct RawSpanTests {
    @Test(arguments: [[], [0], [1, 2, 255, 0, 7]] as [[UInt8]])
    func aCopyHoldsTheSameBytes(bytes: [UInt8]) {
        #expect(Array(bytes.span.bytes) == bytes)
        var both: [UInt8] = [9]
        both.append(contentsOf: bytes.span.bytes)
        #expect(both == [9] + bytes)
    }

    @Test func bytesBecomeText() {
        let text = "für 5 €"
        #expect(String(decoding: Array(text.utf8).span.bytes, as: UTF8.self) == text)
        #expect(String(decoding: [UInt8]().span.bytes, as: UTF8.self).isEmpty)
        // A character that was cut.
        #expect(String(decoding: ([0x61, 0xe2, 0x82] as [UInt8]).span.bytes, as: UTF8.self) == "a\u{FFFD}")
    }
}
