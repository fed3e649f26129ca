import Proactor
import ProactorTesting

/// Something that is done often in a simulation, to be measured by `make simulate-speed`. No fault happens in it.
public struct Workload: Sendable {
    /// Its name.
    public let name: String
    /// What it counts.
    public let unit: String
    /// Does it on loops of a face, and says how often.
    public let run: @Sendable (SimulatedFace) throws -> Int

    /// All of them.
    public static let all: [Workload] = [day, echo]

    /// A day of a service with 100 connections, on each of which a heartbeat is sent and answered every second.
    public static let day = Workload(name: "day", unit: "heartbeats") { face in
        try heartbeats(face, connections: 100, for: .seconds(86_400))
    }

    /// Messages of 64 bytes that come back, on 50 connections.
    public static let echo = Workload(name: "echo", unit: "messages") { face in
        try echoes(face, connections: 50, count: 1_000_000)
    }

    /// Sends a heartbeat a second on each connection, and counts the answers.
    public static func heartbeats(_ face: SimulatedFace, connections: Int, for duration: Duration) throws
        -> Int
    {
        let simulation = Simulation(seed: 1, face: face, stepsMax: .max)
        try startServer(simulation)
        var hearts: [Heart] = []
        try simulation.host("client").start {
            let loop = try getRunningLoop()
            try await sleep(for: .milliseconds(10))
            for _ in 0..<connections {
                let made = try await loop.createConnection(host: "10.0.0.1", port: 7, family: .ipv4) {
                    Heart()
                }
                hearts.append(made.protocol)
            }
        }
        try simulation.run(for: .milliseconds(20) + duration)
        try simulation.finish()
        return hearts.reduce(0) { $0 + $1.answers }
    }

    /// Sends so many messages in all, each when the last one of its connection has come back.
    public static func echoes(_ face: SimulatedFace, connections: Int, count: Int) throws -> Int {
        let simulation = Simulation(seed: 1, face: face, stepsMax: .max)
        try startServer(simulation)
        let tally = Tally()
        try simulation.host("client").start {
            let loop = try getRunningLoop()
            try await sleep(for: .milliseconds(10))
            for _ in 0..<connections {
                _ = try await loop.createConnection(host: "10.0.0.1", port: 7, family: .ipv4) {
                    Player(tally, count)
                }
            }
        }
        try simulation.run(until: { tally.count >= count }, within: .seconds(86_400))
        try simulation.finish()
        return tally.count
    }

    private static func startServer(_ simulation: Simulation) throws {
        try simulation.host("server").start {
            let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 7) { PlainEcho() }
            try await server.serveForever()
        }
    }
}

/// Sends back what comes, as it is.
private final class PlainEcho: StreamProtocol {
    private var transport: (any Transport)?

    func connectionMade(_ transport: any Transport) throws { self.transport = transport }
    func dataReceived(_ data: RawSpan) throws { transport?.write(data) }
    func connectionLost(_ error: (any Error)?) { transport = nil }
}

/// Beats once a second, and counts what comes back.
private final class Heart: StreamProtocol {
    private var transport: (any Transport)?
    private var timer: TimerHandle?
    private(set) var answers = 0
    private let beat: [UInt8] = Array("beat\n".utf8)

    func connectionMade(_ transport: any Transport) throws {
        self.transport = transport
        try goOn()
    }

    private func goOn() throws {
        timer = try getRunningLoop().callLater(.seconds(1)) { [weak self] in
            guard let self, let transport else { return }
            transport.write(beat)
            try goOn()
        }
    }

    func dataReceived(_ data: RawSpan) throws { answers += data.byteCount / beat.count }

    func connectionLost(_ error: (any Error)?) {
        timer?.cancel()
        transport = nil
    }
}

private final class Tally {
    var count = 0
}

/// Sends a message when the last one has come back, until there are enough of them.
private final class Player: StreamProtocol {
    private static let size = 64
    private let tally: Tally
    private let limit: Int
    private var transport: (any Transport)?
    private var left = size
    private let message = [UInt8](repeating: 1, count: size)

    init(_ tally: Tally, _ limit: Int) {
        self.tally = tally
        self.limit = limit
    }

    func connectionMade(_ transport: any Transport) throws {
        self.transport = transport
        transport.write(message)
    }

    func dataReceived(_ data: RawSpan) throws {
        left -= data.byteCount
        guard left == 0 else { return }
        left = Self.size
        tally.count += 1
        if tally.count < limit { transport?.write(message) }
    }

    func connectionLost(_ error: (any Error)?) { transport = nil }
}
