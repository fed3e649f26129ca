/// What somebody on the way does to bytes that pass: changes at places that an input chooses.
struct Tampering {
    enum Change {
        case set(UInt8)
        case insert([UInt8])
        case drop(Int)
        /// What passed last passes once more.
        case replay(Int)
        case end
    }

    /// What is done, and how many bytes pass before it.
    private var steps: [(skip: Int, change: Change)] = []
    private var isEnded = false
    private var dropping = 0
    private var passed: [UInt8] = []
    /// Whether something came out otherwise than it came.
    private(set) var hasChanged = false

    private static let stepsMax = 4

    init(_ input: inout FuzzInput) {
        steps = (0..<input.number(below: Self.stepsMax + 1)).map { _ in
            let skip = Int(input.byte()) << 3 | input.number(below: 8)
            return (skip, Self.change(&input))
        }
    }

    private static func change(_ input: inout FuzzInput) -> Change {
        switch input.number(below: 8) {
        case 0, 1: .set(input.byte())
        case 2, 3: .insert(input.take(1 + input.number(below: 16)))
        case 4: .drop(1 + input.number(below: 64))
        case 5: .drop(1 + Int(input.byte()) << 4)
        case 6: .replay(1 + Int(input.byte()) << 3)
        default: .end
        }
    }

    /// What passes of bytes that come, and whether something may follow.
    mutating func pass(_ bytes: [UInt8]) -> (bytes: [UInt8], goesOn: Bool) {
        var out: [UInt8] = []
        for byte in bytes where !isEnded {
            var current = byte
            while !isEnded, let next = steps.first, next.skip == 0 {
                steps.removeFirst()
                apply(next.change, &current, &out)
            }
            if !steps.isEmpty { steps[0].skip -= 1 }
            guard !isEnded else { break }
            guard dropping == 0 else {
                dropping -= 1
                continue
            }
            out.append(current)
            passed.append(current)
        }
        if isEnded || !out.elementsEqual(bytes) { hasChanged = true }
        return (out, !isEnded)
    }

    private mutating func apply(_ change: Change, _ current: inout UInt8, _ out: inout [UInt8]) {
        switch change {
        case .set(let value): current = value
        case .insert(let bytes): out += bytes
        case .drop(let count): dropping += count
        case .replay(let count): out += passed.suffix(count)
        case .end: isEnded = true
        }
    }
}
