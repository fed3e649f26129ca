import Proactor
import ProactorTesting
import Testing

/// Finding a seed that fails, and making it short.
@Suite struct ExplorationTests {
    /// A client that believes one read to bring all of an answer.
    private static let hasty: @Sendable (Simulation) throws -> Void = { simulation in
        try simulation.host("server").start {
            _ = try await getRunningLoop().startServer(host: "0.0.0.0", port: 7) { reader, writer in
                writer.write((try? await reader.readLine()) ?? [])
                writer.close()
            }
        }
        var answer: [UInt8]?
        try simulation.host("client").start {
            try await sleep(for: .milliseconds(10))
            let (reader, writer) = try await getRunningLoop().openConnection(
                host: "server",
                port: 7,
                family: .ipv4
            )
            writer.write("a line that is longer than one may think\n")
            answer = try await reader.read(upTo: 100)
            writer.close()
        }
        try simulation.run(until: { answer != nil })
        guard answer?.last == UInt8(ascii: "\n") else { throw Cut(count: answer?.count ?? 0) }
    }

    private struct Cut: Error, CustomStringConvertible {
        let count: Int
        var description: String { "the answer was cut" }
    }

    @Test func aBugIsFoundAndMadeShort() throws {
        let error = try #require(throws: ExplorationFailure.self) {
            try Simulation.explore(seeds: 0..<500, processors: 2, scenario: Self.hasty)
        }
        #expect(error.reason == "the answer was cut")
        #expect(error.faults.kinds == [.shortTransfers])
        #expect(error.faultRange.count == 1)
        let text = error.description
        #expect(text.contains("Simulation(seed: \(error.seed)"))
        #expect(text.contains("faults[.shortTransfers] = 0.25"))
        #expect(text.contains("client  reads "))
    }

    @Test func whatIsPrintedFailsAgain() throws {
        let failure = try #require(throws: ExplorationFailure.self) {
            try Simulation.explore(seeds: 0..<500, processors: 1, scenario: Self.hasty)
        }
        let again = Simulation(
            seed: failure.seed,
            faults: failure.faults,
            face: failure.face,
            faultRange: failure.faultRange
        )
        #expect(throws: Cut.self) { try Self.hasty(again) }
        #expect(again.trace.fingerprint == failure.trace?.fingerprint)
    }

    @Test func withoutFaultsItIsContent() throws {
        try Simulation.explore(seeds: 0..<20, faults: .none, scenario: Self.hasty)
    }

    @Test func whatDependsOnMoreThanTheSeedIsSaidToDoSo() throws {
        let counter = Counter()
        let error = try #require(throws: ExplorationFailure.self) {
            try Simulation.explore(seeds: 0..<1, processors: 1) { _ in
                if counter.next() == 1 { throw Cut(count: 0) }
            }
        }
        #expect(error.reason == nil)
        #expect(error.description.contains("once and not again"))
    }

    private final class Counter: @unchecked Sendable {
        // Used on one thread.
        private var count = 0

        func next() -> Int {
            count += 1
            return count
        }
    }
}
