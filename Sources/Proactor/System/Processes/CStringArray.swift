import Glibc

/// Strings as C wants an argument vector: pointers, a null pointer last.
///
/// One block of memory holds the pointers and, behind them, the strings.
struct CStringArray: ~Copyable {
    private let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    /// - Parameter first: stands before `others` when there is one.
    init(_ first: String?, _ others: [String]) {
        let count = others.count + (first == nil ? 0 : 1)
        let pointerBytes = (count + 1) * MemoryLayout<UnsafeMutablePointer<CChar>?>.stride
        let stringBytes = others.reduce(first.map { $0.utf8.count + 1 } ?? 0) { $0 + $1.utf8.count + 1 }
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: pointerBytes + stringBytes,
            alignment: MemoryLayout<UnsafeMutablePointer<CChar>?>.alignment
        )
        pointers = block.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: count + 1)
        // `text` and `pointer` move on by what was counted above, so neither leaves the block.
        var text = (block + pointerBytes).bindMemory(to: CChar.self, capacity: stringBytes)
        var pointer = pointers
        func add(_ string: String) {
            var string = string
            pointer.initialize(to: text)
            pointer += 1
            string.withUTF8 { bytes in
                if let start = bytes.baseAddress { memcpy(text, start, bytes.count) }
                text += bytes.count
            }
            text.initialize(to: 0)
            text += 1
        }
        if let first { add(first) }
        for string in others { add(string) }
        pointer.initialize(to: nil)
    }

    deinit {
        UnsafeMutableRawPointer(pointers).deallocate()
    }

    /// Lends the vector, which is valid for the call.
    borrowing func withPointers(_ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32) -> Int32 {
        body(UnsafePointer(pointers))
    }
}
