import ProactorScenarios
import ProactorTesting
import Testing

/// A few seeds of each scenario; `make simulate` runs many.
@Suite struct ScenarioTests {
    private static let fixedSeeds: UInt64 = 24
    private static let freshSeeds: UInt64 = 8

    @Test(arguments: Scenario.all)
    func fixedSeeds(scenario: Scenario) throws {
        try Simulation.explore(
            seeds: 0..<Self.fixedSeeds,
            faults: scenario.faults,
            processors: 1,
            scenario: scenario.run
        )
    }

    /// The seed is printed, and stands in the error.
    @Test func freshSeeds() throws {
        let seed = UInt64.random(in: 1_000_000...1_000_000_000)
        print("the fresh seeds of the scenarios begin at \(seed)")
        for scenario in Scenario.all {
            try Simulation.explore(
                seeds: seed..<seed + Self.freshSeeds,
                faults: scenario.faults,
                processors: 1,
                scenario: scenario.run
            )
        }
    }

    @Test(arguments: Scenario.all, SimulatedFace.allCases)
    func aSeedDoesTheSameEachTime(scenario: Scenario, face: SimulatedFace) throws {
        let traces = try (0..<2).map { _ in
            let simulation = Simulation(seed: 77, faults: scenario.faults, face: face)
            try scenario.run(simulation)
            return simulation.trace
        }
        #expect(traces[0].fingerprint == traces[1].fingerprint)
        #expect(traces[0].description == traces[1].description)
        #expect(traces[0].eventCount > 20)
    }
}
