/// A scenario that failed under a seed: how, and how to see it again.
///
/// ```swift
/// do {
///     try Simulation.explore(seeds: 0..<1_000, scenario: scenario)
/// } catch {
///     print(error)       // the seed, the last events, and lines to paste into a test
/// }
/// ```
public struct ExplorationFailure: Error, Sendable, CustomStringConvertible {
    /// The seed under which it fails.
    public let seed: UInt64
    /// The backend that its loops look like.
    public let face: SimulatedFace
    /// What has to be left to chance for it to fail.
    public let faults: SimulationFaults
    /// Which of the faults it takes, counted from zero.
    public let faultRange: Range<Int>
    /// What the scenario threw; `nil` when it did so once and not again, so that something else than the seed decides.
    public let reason: String?
    /// What happened; `nil` as above.
    public let trace: SimulationTrace?

    init(_ schedule: Explorer.Schedule, face: SimulatedFace, _ failure: Explorer.Failure) {
        seed = schedule.seed
        self.face = face
        faults = schedule.faults
        faultRange = schedule.range
        reason = failure.error
        trace = failure.trace
    }

    init(seed: UInt64, face: SimulatedFace, notReproduced faults: SimulationFaults) {
        self.seed = seed
        self.face = face
        self.faults = faults
        faultRange = 0..<Int.max
        reason = nil
        trace = nil
    }

    /// The seed, what went wrong, what had happened before, and lines to paste into a test.
    public var description: String {
        guard let reason, let trace else {
            return
                "seed \(seed) failed once and not again: look for what the scenario takes from outside of the "
                + "simulation, such as a clock, random numbers, a global variable or the order of a set"
        }
        let kinds = faults.kinds.map { "\($0)" }.joined(separator: ", ")
        let changes = SimulationFault.allCases.filter { faults[$0] > 0 }
            .map { "faults[.\($0)] = \(faults[$0])" }
        let lines =
            [
                "seed \(seed) fails with \(faultRange.count) faults of these kinds: \(kinds.isEmpty ? "none" : kinds)",
                reason,
                "",
                trace.description,
                "",
                "To see it again:",
                "    var faults = SimulationFaults.none",
            ] + changes.map { "    \($0)" } + [
                "    let simulation = Simulation(seed: \(seed), faults: faults, face: .\(face), faultRange: \(faultRange))",
                "    try scenario(simulation)",
            ]
        return lines.joined(separator: "\n")
    }
}
