import Testing

@testable import Proactor

/// Random programs of two ends of a connection: what protocols see of one must be the same on every loop, real or simulated, but
/// for where the pieces are cut.
@Suite struct DifferentialTests {
    @Test(arguments: 0..<12)
    func everyLoopSeesTheSame(number: Int) async throws {
        let program = ConnectionProgram(number: number)
        var first: (kind: LoopKind, seen: [String])?
        for kind in LoopKind.everywhere {
            let record = SeenRecord()
            try await kind.withLoop { loop in
                record.seen = try loop.run { try await program.run(on: loop) }
            }
            guard let first else {
                first = (kind, record.seen)
                continue
            }
            #expect(record.seen == first.seen, "\(kind) differs from \(first.kind) in \(program)")
        }
    }
}

/// What one run has shown. Written on the loop's thread, and read when that is over.
private final class SeenRecord: @unchecked Sendable {
    var seen: [String] = []
}

/// What both ends do.
private struct ConnectionProgram: Sendable {
    enum Step {
        case write(Int)
        case rest
        case pauseReading
        case resumeReading
    }

    let number: Int
    let client: [Step]
    let server: [Step]
    /// Whether the client closes at once when its steps are done; otherwise it ends its sending, and waits for the server's end.
    let closesAtOnce: Bool

    init(number: Int) {
        self.number = number
        var random = Numbers(state: UInt64(number) &* 7919 &+ 1)
        client = Self.steps(&random)
        // A peer that closes at once does not read what comes.
        closesAtOnce = random.below(3) == 0
        server = closesAtOnce ? [] : Self.steps(&random)
    }

    private static func steps(_ random: inout Numbers) -> [Step] {
        (0..<random.below(12)).map { _ in
            switch random.below(5) {
            case 0: .rest
            case 1: .pauseReading
            case 2: .resumeReading
            default: .write(1 + random.below(30_000))
            }
        }
    }

    nonisolated(nonsending) func run(on loop: BaseEventLoop) async throws -> [String] {
        let servant = SteppingProtocol("server", server, endsSending: !closesAtOnce)
        let server = try await loop.createServer(host: "127.0.0.1", port: 0) { servant }
        let port = try #require(try server.sockets.first?.localAddress().port)
        let made = try await loop.createConnection(host: "127.0.0.1", port: port) {
            SteppingProtocol("client", client, endsSending: !closesAtOnce)
        }
        try await made.protocol.lost()
        try await servant.lost()
        server.close()
        try await server.waitClosed()
        return made.protocol.seen + servant.seen
    }
}

/// Does its steps, one a turn, and writes down what it sees.
private final class SteppingProtocol: StreamProtocol {
    private let name: String
    private var steps: ArraySlice<ConnectionProgram.Step>
    private let endsSending: Bool
    private var transport: (any Transport)?
    private var count = 0
    private var sum: UInt64 = 0
    private var written: UInt8 = 0
    private(set) var seen: [String] = []
    private var isDone = false
    private var hasEnded = false
    private let end: Future<Void>

    init(_ name: String, _ steps: [ConnectionProgram.Step], endsSending: Bool) {
        self.name = name
        self.steps = steps[...]
        self.endsSending = endsSending
        guard let loop = runningLoop() else { preconditionFailure("made outside of a loop") }
        end = loop.createFuture(of: Void.self)
    }

    nonisolated(nonsending) func lost() async throws { try await end.value() }

    func connectionMade(_ transport: any Transport) throws {
        seen.append("\(name) made")
        self.transport = transport
        step()
    }

    private func step() {
        guard let transport, let loop = runningLoop() else { return }
        switch steps.popFirst() {
        case .write(let count)?:
            transport.write((0..<count).map { _ in next() })
        case .pauseReading?: transport.pauseReading()
        case .resumeReading?: transport.resumeReading()
        case .rest?: break
        case nil:
            transport.resumeReading()
            isDone = true
            if endsSending { transport.writeEOF() } else if name == "client" { transport.close() }
            return closeIfOver()
        }
        _ = try? loop.callSoon { [weak self] in self?.step() }
    }

    private func next() -> UInt8 {
        written = written &* 31 &+ 7
        return written
    }

    func dataReceived(_ data: RawSpan) throws {
        data.withUnsafeBytes { bytes in
            for byte in bytes { sum = sum &* 1_099_511_628_211 ^ UInt64(byte) }
            count += bytes.count
        }
    }

    func eofReceived() throws -> Bool {
        seen.append("\(name) end after \(count) bytes, \(sum)")
        hasEnded = true
        closeIfOver()
        return true
    }

    private func closeIfOver() {
        if hasEnded, isDone { transport?.close() }
    }

    func connectionLost(_ error: (any Error)?) {
        seen.append("\(name) lost after \(count) bytes, \(sum): \(error.map { "\($0)" } ?? "closed")")
        transport = nil
        end.trySetResult(())
    }
}

/// Numbers that are the same each time.
private struct Numbers {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}
