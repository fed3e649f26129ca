import Proactor
import ProactorTesting

extension Scenario {
    /// Connections that end in the middle: by an abort, a reset, a close, a crash, or a link that goes down.
    static let broken = Scenario("broken") { simulation, book in
        let server = try simulation.host("server")
        server.start {
            let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 9) {
                PrefixEcho("server", book)
            }
            try await server.serveForever()
        }
        let clients = 1 + simulation.choice(below: 4)
        for number in 0..<clients {
            let client = try simulation.host("client\(number)")
            let end = simulation.choice(below: 5)
            let size = 1 + simulation.choice(below: 60_000)
            let patience = Duration.microseconds(100 + simulation.choice(below: 20_000))
            client.start {
                let loop = try getRunningLoop()
                let made = try await retrying {
                    try await loop.createConnection(host: "server", port: 9, family: .ipv4) {
                        PrefixProtocol("client \(number)", book)
                    }
                }
                made.protocol.send(size)
                try await sleep(for: patience)
                switch end {
                case 0: made.transport.abort()
                case 1: made.transport.abort(withReset: true)
                case 2: made.transport.close()
                case 3: made.transport.close(timeout: .milliseconds(3))
                default: break
                }
            }
        }
        try simulation.run(for: .milliseconds(20))
        for number in 0..<clients where simulation.choice(below: 3) == 0 {
            let name = "client\(number)"
            if simulation.choice(below: 2) == 0 {
                try simulation.host(named: name).crash()
                book.forgive("client \(number)")
            } else {
                try simulation.partition([name])
            }
        }
        try simulation.run(for: .milliseconds(50))
        if simulation.choice(below: 2) == 0 { simulation.heal() }
        try simulation.run(for: .seconds(2))
        try simulation.finish()
    }
}

/// Sends a stream, and checks that what comes back is its beginning.
class PrefixProtocol: CheckedProtocol {
    private var outgoing = ByteStream(1)
    private var expected = ByteStream(1)

    func send(_ count: Int) {
        guard isOpen else { return }
        transport?.write(outgoing.next(count))
    }

    override func received(_ bytes: [UInt8]) throws {
        book.expect(expected.takes(bytes), "\(name): bytes that are not the beginning of what was sent")
    }
}

/// Sends back what comes, which is the beginning of the stream.
final class PrefixEcho: PrefixProtocol {
    override func received(_ bytes: [UInt8]) throws {
        try super.received(bytes)
        transport?.write(bytes)
        if isPaused { transport?.pauseReading() }
    }

    override func mayWrite() { transport?.resumeReading() }
}
