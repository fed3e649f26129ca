/// Takes what a fuzzer has made apart: numbers first, and then the rest. Where nothing is left, everything is zero.
struct FuzzInput {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    var isEmpty: Bool { bytes.isEmpty }

    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    /// A number from zero up to `bound`, which it does not reach and which is 256 at most.
    mutating func number(below bound: Int) -> Int { Int(byte()) % bound }

    /// So many bytes, or what is left.
    mutating func take(_ count: Int) -> [UInt8] {
        let taken = Array(bytes.prefix(count))
        bytes = bytes.dropFirst(count)
        return taken
    }

    mutating func rest() -> [UInt8] { take(bytes.count) }

    /// Bytes of a small alphabet, so that patterns overlap and occur again.
    static func narrow(_ bytes: [UInt8], letters: UInt8 = 3) -> [UInt8] {
        bytes.map { UInt8(ascii: "a") + $0 % letters }
    }
}
