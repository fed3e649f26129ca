/// Something that takes bytes from outside apart, beside a simple model of what has to come of it.
public struct FuzzTarget: Sendable, CustomStringConvertible {
    /// Its name, for `make fuzz`.
    public let name: String
    /// Whether an input takes a thousand times as long as those of the others.
    public let isSlow: Bool
    /// Makes what runs one input after the other, on the thread that calls it, and throws what it finds wrong.
    public let make: @Sendable () throws -> ([UInt8]) throws -> Void

    public var description: String { name }

    /// All of them.
    public static let all: [FuzzTarget] = [
        addresses, kernelAddresses, paths, terminators, separators, certificates, tlsRecords,
    ]

    init(
        name: String,
        isSlow: Bool = false,
        make: @escaping @Sendable () throws -> ([UInt8]) throws -> Void
    ) {
        self.name = name
        self.isSlow = isSlow
        self.make = make
    }

    /// Runs inputs of a generator's, some of them made of an earlier one.
    ///
    /// - Throws: what an input has shown, with the input.
    public func run(seed: UInt64, count: Int) throws {
        let run = try make()
        var generator = InputGenerator(seed: seed)
        for _ in 0..<count {
            let input = generator.next()
            do { try run(input) } catch { throw FuzzFinding("\(name), of \(input): \(error)") }
        }
    }
}

/// What differs from the model.
struct FuzzFinding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Throws when a condition does not hold.
func demand(_ condition: Bool, _ finding: @autoclosure () -> String) throws(FuzzFinding) {
    guard condition else { throw FuzzFinding(finding()) }
}

/// Inputs from a seed: new ones, and earlier ones with a few bytes changed.
private struct InputGenerator {
    private var state: UInt64
    private var former: [[UInt8]] = []

    private static let sizeMax = 96
    private static let formerMax = 64

    init(seed: UInt64) {
        state = seed
    }

    /// splitmix64.
    private mutating func number(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((value ^ value >> 31).multipliedFullWidth(by: UInt64(bound)).high)
    }

    private mutating func byte() -> UInt8 {
        // Small numbers, text and anything.
        switch number(below: 4) {
        case 0: UInt8(number(below: 16))
        case 1, 2: Self.letters[number(below: Self.letters.count)]
        default: UInt8(number(below: 256))
        }
    }

    private static let letters = Array("0123456789abcdefABCDEF.:%-[]/ x\u{0}".utf8)

    mutating func next() -> [UInt8] {
        guard !former.isEmpty, number(below: 2) == 0 else {
            let count = number(below: Self.sizeMax)
            let fresh = (0..<count).map { _ in byte() }
            if former.count < Self.formerMax {
                former.append(fresh)
            } else {
                former[number(below: Self.formerMax)] = fresh
            }
            return fresh
        }
        let index = number(below: former.count)
        var changed = former[index]
        for _ in 0...number(below: 4) { change(&changed) }
        former[index] = changed
        return changed
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        switch number(below: 3) {
        case 0 where !bytes.isEmpty: bytes.remove(at: number(below: bytes.count))
        case 1 where !bytes.isEmpty: bytes[number(below: bytes.count)] = byte()
        default: if bytes.count < Self.sizeMax { bytes.insert(byte(), at: number(below: bytes.count + 1)) }
        }
    }
}
