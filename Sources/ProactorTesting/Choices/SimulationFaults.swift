/// How often each kind of fault happens, each time that it could: zero is never, one is always.
///
/// ```swift
/// let simulation = Simulation(seed: 7, faults: .all.without(.resourceShortage))
/// ```
public struct SimulationFaults: Hashable, Sendable {
    private var probabilities: [Double]

    private init(_ probability: (SimulationFault) -> Double) {
        probabilities = SimulationFault.allCases.map(probability)
    }

    /// A kernel that does all at once, and links that lose nothing.
    public static let none = SimulationFaults { _ in 0 }

    /// Everything that may happen to a sound program on a sound machine, often. No call fails for want of descriptors or memory:
    /// that is ``SimulationFault/resourceShortage`` and ``SimulationFault/memoryShortage``, and no name for want of a server:
    /// ``SimulationFault/nameFailures``.
    public static let all = SimulationFaults { fault in
        switch fault {
        case .shortTransfers, .completionOrder: 0.25
        case .lateCompletions, .slowWork, .packetDelay, .cancelRaces: 0.2
        case .olderKernel: 0.2
        case .spuriousReadiness, .interrupts, .ringMoods: 0.05
        case .packetLoss, .packetDuplication, .packetReordering: 0.02
        case .resourceShortage, .memoryShortage, .nameFailures: 0
        }
    }

    /// The probability of one kind, from zero to one.
    public subscript(fault: SimulationFault) -> Double {
        get { probabilities[fault.rawValue] }
        set {
            precondition((0...1).contains(newValue), "a probability is a number from zero to one")
            probabilities[fault.rawValue] = newValue
        }
    }

    /// The same without faults of one kind.
    public func without(_ fault: SimulationFault) -> SimulationFaults {
        var faults = self
        faults[fault] = 0
        return faults
    }

    /// The kinds that can happen.
    public var kinds: [SimulationFault] { SimulationFault.allCases.filter { self[$0] > 0 } }
}
