/// Answers every question that a real kernel leaves open, in the order in which they are asked.
///
/// Each kind of fault has a generator of its own, so that without one kind the others happen as before.
final class Choices {
    private static let kinds = SimulationFault.allCases.count

    /// One for each kind of fault, and the last for everything else.
    @exclusivity(unchecked) private var randoms: [SimulationRandom]
    /// Of 32 bits: below it, a fault happens.
    private let thresholds: [UInt64]
    /// Which of the faults, counted from zero, may happen.
    private let allowed: Range<Int>
    /// How many faults there were, those that might not happen among them.
    @exclusivity(unchecked) private var askedCount = 0
    /// How many there were.
    @exclusivity(unchecked) private(set) var faultCount = 0

    init(seed: UInt64, faults: SimulationFaults, allowed: Range<Int>) {
        randoms = (0...Self.kinds).map { SimulationRandom(seed: seed &+ UInt64($0) << 56) }
        thresholds = SimulationFault.allCases.map { UInt64(faults[$0] * 4_294_967_296) }
        self.allowed = allowed
    }

    /// Whether a fault happens now.
    func happens(_ fault: SimulationFault) -> Bool {
        let kind = fault.rawValue
        guard thresholds[kind] > 0, randoms[kind].next() >> 32 < thresholds[kind] else { return false }
        defer { askedCount += 1 }
        guard allowed.contains(askedCount) else { return false }
        faultCount += 1
        return true
    }

    /// A number from zero up to `bound`, which it does not reach.
    func below(_ bound: Int) -> Int { randoms[Self.kinds].below(bound) }

    func next() -> UInt64 { randoms[Self.kinds].next() }

    /// How much of a fault happens.
    func amount(of fault: SimulationFault, within range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(randoms[fault.rawValue].below(Int(range.upperBound - range.lowerBound) + 1))
    }

    /// Which of these errors a fault is, as errno.
    func errno(of fault: SimulationFault, among errors: [Int32]) -> Int32 {
        errors[Int(amount(of: fault, within: 0...Int64(errors.count - 1)))]
    }

    /// How many of `count` are moved by one call: one at least.
    func part(of count: Int) -> Int {
        guard count > 1, happens(.shortTransfers) else { return count }
        return Int(amount(of: .shortTransfers, within: 1...Int64(count - 1)))
    }

    /// Puts the elements into an order of its choice.
    func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1, happens(.completionOrder) else { return }
        for index in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(index, Int(amount(of: .completionOrder, within: 0...Int64(index))))
        }
    }
}
