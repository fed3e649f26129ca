import Proactor
import Testing

@testable import ProactorTesting

@Suite struct ClockTests {
    @Test(arguments: SimulatedFace.allCases)
    func aDayPassesAtOnce(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let begin = simulation.now
        var isOver = false
        try simulation.host("host").start {
            try await sleep(for: .seconds(86_400))
            isOver = true
        }
        try simulation.run(until: { isOver }, within: .seconds(100_000))
        let passed = begin.duration(to: simulation.now)
        #expect(passed >= .seconds(86_400) && passed < .seconds(86_401))
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func timersOfSeveralHostsRunInTheOrderOfTheirDeadlines(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        var order: [Int] = []
        for number in [3, 1, 2] {
            try simulation.host("host\(number)").start {
                try await sleep(for: .seconds(number))
                order.append(number)
            }
        }
        try simulation.run(for: .seconds(10))
        #expect(order == [1, 2, 3])
        try simulation.finish()
    }

    @Test func runningForATimeTakesJustThat() throws {
        let simulation = Simulation(seed: 1)
        let begin = simulation.now
        try simulation.run(for: .milliseconds(1_500))
        #expect(begin.duration(to: simulation.now) == .milliseconds(1_500))
    }

    @Test(arguments: SimulatedFace.allCases)
    func aLatencyIsHowLongABytesTakes(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let (server, client) = (try simulation.host("server"), try simulation.host("client"))
        try simulation.setLink(SimulatedLink(latency: .milliseconds(40)), between: "server", and: "client")
        server.start {
            _ = try await getRunningLoop().startServer(host: "0.0.0.0", port: 7) { reader, writer in
                writer.write((try? await reader.readLine()) ?? [])
                writer.close()
            }
        }
        var times: [Duration] = []
        client.start {
            let loop = try getRunningLoop()
            try await sleep(for: .seconds(1))
            let begin = loop.time()
            let (reader, writer) = try await loop.openConnection(host: "server", port: 7, family: .ipv4)
            times.append(begin.duration(to: loop.time()))
            writer.write("hello\n")
            _ = try await reader.readLine()
            times.append(begin.duration(to: loop.time()))
            writer.close()
        }
        try simulation.run(until: { times.count == 2 })
        #expect(times[0] >= .milliseconds(80) && times[0] < .milliseconds(81))
        #expect(times[1] >= .milliseconds(160) && times[1] < .milliseconds(162))
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aLinkCarriesSoManyBytesASecond(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let (server, client) = (try simulation.host("server"), try simulation.host("client"))
        try simulation.setLink(
            SimulatedLink(latency: .milliseconds(1), bytesPerSecond: 1_000_000),
            between: "server",
            and: "client"
        )
        var ends: [LoopInstant] = []
        server.start {
            let loop = try getRunningLoop()
            _ = try await loop.startServer(host: "0.0.0.0", port: 7) { reader, writer in
                _ = try? await reader.readToEnd()
                ends.append(loop.time())
                writer.close()
            }
        }
        var begin: LoopInstant?
        client.start {
            let loop = try getRunningLoop()
            try await sleep(for: .seconds(1))
            let (_, writer) = try await loop.openConnection(host: "server", port: 7, family: .ipv4)
            begin = loop.time()
            writer.write(Array(repeating: 1, count: 500_000))
            writer.writeEOF()
            try await writer.waitClosed()
        }
        try simulation.run(until: { !ends.isEmpty })
        let taken = try #require(begin).duration(to: try #require(ends.first))
        #expect(taken > .milliseconds(490) && taken < .milliseconds(600))
        try simulation.finish()
    }

    /// With the ring's backend waiting for an operation that its kernel does not have, a run would not end, and nobody would hear
    /// under which seed.
    @Test func aCloseOfARingLetsTheTimePassThatItWaits() {
        let world = SimulatedWorld(seed: 1, faults: .none, face: .ring, allowed: 0..<0, stepsMax: 1)
        let host = HostKernel(world: world, name: "host", index: 0)
        world.add(host)
        let process = host.makeProcess()
        let ring = SimulatedRingKernel(
            process: process,
            waker: SimulatedWaker(world: world),
            SimulatedRingNature(world.choices)
        )
        let start = world.now
        #expect(ring.submitAndWait(timeoutNanoseconds: 50_000_000) == 0)
        #expect(world.now == start + 50_000_000)
        ring.rest(nanoseconds: 1_000_000)
        #expect(world.now == start + 51_000_000)
        world.end()
    }
}
