import Glibc
import Proactor
import ProactorScenarios
import ProactorTesting
import SystemPackage
import TestSupport
import Testing

/// What is left to chance, and to chance alone.
@Suite struct ChanceTests {
    // Pitfall 80
    /// A kind of fault that no scenario meets would be a kernel that is kinder than the real one.
    @Test(arguments: SimulationFault.allCases)
    func everyFreedomOfAKernelIsTaken(fault: SimulationFault) {
        var faults = SimulationFaults.none
        faults[fault] = 0.3
        let hasHappened = Scenario.all.contains { scenario in
            (0..<4 as Range<UInt64>).contains { seed in
                let face: SimulatedFace = seed % 2 == 0 ? .ring : .selector
                let simulation = Simulation(seed: seed, faults: faults, face: face, stepsMax: 100_000)
                // Some faults are more than a scenario is made for.
                try? scenario.run(simulation)
                return simulation.faultCount > 0
            }
        }
        #expect(hasHappened)
    }

    // Pitfall 80
    @Test(arguments: SimulatedFace.allCases)
    func aReadBringsLessThanThereIs(face: SimulatedFace) throws {
        let sizes = try Set(
            (0..<40 as Range<UInt64>).map { seed in
                try firstRead(Simulation(seed: seed, faults: only(.shortTransfers, 0.5), face: face))
            }
        )
        #expect(sizes.contains(1_000))
        #expect(sizes.count > 5)
        #expect(sizes.allSatisfy { (1...1_000).contains($0) })
    }

    private func only(_ fault: SimulationFault, _ probability: Double) -> SimulationFaults {
        var faults = SimulationFaults.none
        faults[fault] = probability
        return faults
    }

    /// How many bytes a connection brings first of a thousand.
    private func firstRead(_ simulation: Simulation) throws -> Int {
        try simulation.host("server").start {
            _ = try await getRunningLoop().startServer(host: "0.0.0.0", port: 7) { _, writer in
                writer.write([UInt8](repeating: 1, count: 1_000))
                writer.close()
            }
        }
        var count: Int?
        try simulation.host("client").start {
            try await sleep(for: .milliseconds(10))
            let (reader, writer) = try await getRunningLoop().openConnection(
                host: "10.0.0.1",
                port: 7,
                family: .ipv4
            )
            count = try await reader.read(upTo: 10_000) { $0.byteCount }
            writer.close()
        }
        try simulation.run(until: { count != nil })
        try simulation.finish()
        return count ?? 0
    }

    // Pitfall 80
    /// What is wanting is drawn: descriptors of the process or of the system, memory, buffers.
    @Test(arguments: SimulatedFace.allCases)
    func aShortageIsOfAnyKind(face: SimulatedFace) throws {
        var found: Set<Int32> = []
        for seed in 0..<60 as Range<UInt64> {
            let simulation = Simulation(seed: seed, faults: only(.resourceShortage, 1), face: face)
            try simulation.host("server").start {
                do {
                    _ = try await getRunningLoop().createServer(host: "0.0.0.0", port: 7) { Nobody() }
                } catch let error as SocketError {
                    found.insert(error.errno.rawValue)
                }
            }
            try simulation.run(for: .seconds(1))
            try simulation.finish()
        }
        #expect(found == [EMFILE, ENFILE, ENOMEM, ENOBUFS])
    }

    // Pitfall 80
    /// A datagram that finds no buffer is told of, and the endpoint lives.
    @Test(arguments: SimulatedFace.allCases)
    func aDatagramFindsNoBuffer(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 3, faults: only(.memoryShortage, 0.3), face: face)
        let endpoint = Endpoint()
        try simulation.host("host").start {
            let made = try await getRunningLoop().createDatagramEndpoint(remoteAddress: ("127.0.0.1", 9)) {
                endpoint
            }
            for _ in 0..<50 {
                try made.transport.sendTo([1])
                try await sleep(for: .milliseconds(1))
            }
            made.transport.close()
        }
        try simulation.run(for: .seconds(10))
        #expect(endpoint.errors.contains(.noBufferSpace))
        #expect(endpoint.isLost)
        try simulation.finish()
    }

    // Pitfall 81
    /// Neither a clock, nor an address, nor a hash's seed, which are others in each process, has a say.
    @Test(.exitTest) func aSeedDoesTheSameInEveryProcess() async {
        var printed: Set<[UInt8]> = []
        for _ in 0..<3 {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                for scenario in Scenario.all {
                    for face in SimulatedFace.allCases {
                        let simulation = Simulation(seed: 5, faults: scenario.faults, face: face)
                        try scenario.run(simulation)
                        print("\(scenario.name), \(face): \(simulation.trace.fingerprint)")
                    }
                }
                fflush(nil)
            }
            printed.insert(Array(result?.standardOutputContent ?? []))
        }
        #expect(printed.count == 1)
        #expect(printed.first?.isEmpty == false)
    }

    private final class Nobody: StreamProtocol {
        func dataReceived(_ data: RawSpan) throws {}
    }

    private final class Endpoint: DatagramProtocol {
        private(set) var errors: [Errno] = []
        private(set) var isLost = false

        func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {}
        func errorReceived(_ error: SocketError) { errors.append(error.errno) }
        func connectionLost(_ error: (any Error)?) { isLost = true }
    }
}
