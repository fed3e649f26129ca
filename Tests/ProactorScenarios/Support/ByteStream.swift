/// Bytes of which each tells its place, so that a lost, doubled or displaced one is found out.
struct ByteStream {
    private var state: UInt32
    private(set) var count = 0

    init(_ number: Int) {
        state = UInt32(truncatingIfNeeded: number) &* 2_654_435_761 &+ 1
    }

    mutating func next() -> UInt8 {
        state = state &* 1_664_525 &+ 1_013_904_223
        count += 1
        return UInt8(truncatingIfNeeded: state >> 24)
    }

    mutating func next(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in next() }
    }

    /// Whether these bytes come next.
    mutating func takes(_ bytes: [UInt8]) -> Bool {
        for byte in bytes where byte != next() { return false }
        return true
    }
}
