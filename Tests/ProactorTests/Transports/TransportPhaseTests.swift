import Testing

@testable import Proactor

@Suite struct TransportPhaseTests {
    private typealias Phase = LoopTransport.Phase

    // Behaviour 32
    // Pitfall 17
    @Test func noPhaseComesBack() {
        let phases: [Phase] = [.open, .flushing, .lost, .draining, .closed]
        let steps: [[Phase]] = [
            [.flushing, .lost, .closed],
            [.lost, .closed],
            [.draining, .closed],
            [.closed],
            [],
        ]
        for (phase, followers) in zip(phases, steps) {
            #expect(phases.filter(phase.leads) == followers, "from \(phase)")
        }
    }
}
