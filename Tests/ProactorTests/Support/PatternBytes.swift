/// Bytes that show every shift and swap: no stretch of them repeats, and each seed begins elsewhere. 16 MiB at most.
func patternBytes(_ count: Int, seed: Int = 0) -> [UInt8] {
    let start = seed * 7919 % 1_048_573
    return Array(patternSource[start..<start + count])
}

/// Made once, and by words: unoptimised tests would spend their time on making bytes.
private let patternSource: [UInt8] = {
    let count = 17 << 20
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
        // An array's memory is aligned for words, and nothing else is bound to it yet.
        let words = UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: UInt64.self)
        var state: UInt64 = 1
        var index = 0
        while index < count / 8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            words[index] = state ^ (state >> 33)
            index += 1
        }
        initializedCount = count
    }
}()
