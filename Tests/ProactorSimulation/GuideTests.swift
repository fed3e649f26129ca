import ProactorScenarios
import ProactorTesting
import Testing

/// What the guide tells of the replicated store.
@Suite struct GuideTests {
    @Test func theExplorerFindsThePlantedBug() throws {
        let store = ReplicatedStore(synchronizesFirst: false)
        let error = try #require(throws: ExplorationFailure.self) {
            try Simulation.explore(seeds: 0..<2_000, scenario: store.scenario)
        }
        #expect(try #require(error.reason).contains("was promised, and is on no disk"))
    }

    @Test func theMendedStoreKeepsWhatItPromises() throws {
        let store = ReplicatedStore(synchronizesFirst: true)
        try Simulation.explore(seeds: 0..<100, scenario: store.scenario)
    }
}
