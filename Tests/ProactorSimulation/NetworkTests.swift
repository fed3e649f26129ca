import Proactor
import ProactorTesting
import SystemPackage
import Testing

/// What a connect, a stream and a datagram come to in the simulated network.
@Suite struct NetworkTests {
    /// What connecting to `host` ends with, and after how long.
    private func failure(
        _ simulation: Simulation,
        connectingTo address: String
    ) throws -> (errno: Errno?, after: Duration) {
        let client = try simulation.host("client")
        var found: (Errno?, Duration)?
        client.start {
            let loop = try getRunningLoop()
            let begin = loop.time()
            do {
                _ = try await loop.createConnection(host: address, port: 7) { SilentProtocol() }
                found = (nil, begin.duration(to: loop.time()))
            } catch let error as SocketError {
                found = (error.errno, begin.duration(to: loop.time()))
            }
        }
        try simulation.run(until: { found != nil })
        let result = try #require(found)
        try simulation.finish()
        return result
    }

    @Test(arguments: SimulatedFace.allCases)
    func nobodyListens(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let other = try simulation.host("other")
        let result = try failure(simulation, connectingTo: "\(other.ipv4)")
        #expect(result.errno == .connectionRefused)
        #expect(result.after < .milliseconds(1))
    }

    @Test(arguments: SimulatedFace.allCases)
    func nobodyHasTheAddress(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        #expect(try failure(simulation, connectingTo: "10.9.9.9").errno == .noRouteToHost)
    }

    @Test(arguments: SimulatedFace.allCases)
    func aHostThatIsDownDoesNotAnswer(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let other = try simulation.host("other")
        other.crash()
        let result = try failure(simulation, connectingTo: "\(other.ipv4)")
        #expect(result.errno == .timedOut)
        // As Linux gives up, after six repetitions.
        #expect(result.after >= .seconds(127) && result.after < .seconds(128))
    }

    @Test(arguments: SimulatedFace.allCases)
    func whatAPartitionHoldsUpArrivesWhenItHeals(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let (server, client) = (try simulation.host("server"), try simulation.host("client"))
        var received: [UInt8] = []
        server.start {
            _ = try await getRunningLoop().startServer(host: "0.0.0.0", port: 7) { reader, writer in
                received = (try? await reader.readToEnd()) ?? []
                writer.close()
            }
        }
        var isConnected = false
        client.start {
            try await sleep(for: .milliseconds(1))
            let (_, writer) = try await getRunningLoop().openConnection(
                host: "server",
                port: 7,
                family: .ipv4
            )
            isConnected = true
            try await sleep(for: .seconds(1))
            writer.write("held up")
            writer.writeEOF()
            try await writer.waitClosed()
        }
        try simulation.run(until: { isConnected })
        try simulation.partition(["client"])
        try simulation.run(for: .seconds(10))
        #expect(received.isEmpty)
        simulation.heal()
        try simulation.run(for: .seconds(20))
        #expect(received == Array("held up".utf8))
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aPeerThatCrashedResetsWhenItIsBack(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let (server, client) = (try simulation.host("server"), try simulation.host("client"))
        server.start {
            _ = try await getRunningLoop().createServer(host: "0.0.0.0", port: 7) { SilentProtocol() }
        }
        let talker = SilentProtocol()
        client.start {
            try await sleep(for: .milliseconds(1))
            let made = try await getRunningLoop().createConnection(host: "server", port: 7, family: .ipv4) {
                talker
            }
            try await sleep(for: .seconds(1))
            made.transport.write("anybody there?")
        }
        try simulation.run(for: .milliseconds(500))
        server.crash()
        try simulation.run(for: .seconds(2))
        #expect(talker.lostErrors.isEmpty)
        try server.restart()
        try simulation.run(for: .seconds(10))
        #expect(talker.lostErrors == [.connectionReset])
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func namesStandForAddresses(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let (one, two) = (try simulation.host("one"), try simulation.host("two"))
        simulation.setName("service.example", to: [.ipv4(one.ipv4, port: 0), .ipv4(two.ipv4, port: 0)])
        simulation.setName("gone.example", fails: true)
        var found: [String] = []
        var codes: [ResolutionError.Code] = []
        let client = try simulation.host("client")
        client.start {
            let loop = try getRunningLoop()
            for name in ["service.example", "two", "localhost"] {
                let infos = try await loop.getaddrinfo(host: name, port: 80, family: .ipv4, type: .stream)
                found += infos.map { "\($0.address)" }
            }
            for name in ["gone.example", "no.such.name"] {
                do {
                    _ = try await loop.getaddrinfo(host: name, port: 80)
                } catch let error as ResolutionError {
                    codes.append(error.code)
                }
            }
        }
        try simulation.run(for: .seconds(1))
        #expect(found == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80", "127.0.0.1:80"])
        #expect(codes == [.tryAgain, .nameUnknown])
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aDatagramForNobodyIsAnError(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let (other, client) = (try simulation.host("other"), try simulation.host("client"))
        let endpoint = RecordingEndpoint()
        client.start {
            let made = try await getRunningLoop().createDatagramEndpoint(
                remoteAddress: ("\(other.ipv4)", 9)
            ) { endpoint }
            try made.transport.sendTo("hello?")
        }
        try simulation.run(for: .seconds(1))
        #expect(endpoint.errors == [.connectionRefused])
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aLinkLosesWhatItIsToldToLose(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 3, face: face)
        let (server, client) = (try simulation.host("server"), try simulation.host("client"))
        try simulation.setLink(SimulatedLink(loss: 0.5), from: "client", to: "server")
        let endpoint = RecordingEndpoint()
        server.start {
            _ = try await getRunningLoop().createDatagramEndpoint(localAddress: ("0.0.0.0", 9)) { endpoint }
        }
        client.start {
            try await sleep(for: .milliseconds(1))
            let made = try await getRunningLoop().createDatagramEndpoint(
                remoteAddress: ("\(server.ipv4)", 9)
            ) { RecordingEndpoint() }
            for _ in 0..<200 { try made.transport.sendTo("x") }
        }
        try simulation.run(for: .seconds(1))
        #expect(endpoint.count > 60 && endpoint.count < 140)
        try simulation.finish()
    }
}

/// Says nothing, and notes what its connection is lost by.
final class SilentProtocol: StreamProtocol {
    private(set) var lostErrors: [Errno?] = []

    func dataReceived(_ data: RawSpan) throws {}

    func connectionLost(_ error: (any Error)?) {
        lostErrors.append((error as? SocketError)?.errno)
    }
}

/// Counts datagrams and notes errors.
final class RecordingEndpoint: DatagramProtocol {
    private(set) var count = 0
    private(set) var errors: [Errno] = []

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws { count += 1 }
    func errorReceived(_ error: SocketError) { errors.append(error.errno) }
}
