import Proactor
import ProactorTesting

extension Scenario {
    /// The `sock` calls, some of which are cut by time-outs: bytes that were received are not lost by that.
    static let sockets = Scenario("sockets") { simulation, book in
        let host = try simulation.host("host")
        let sizes = (0..<30).map { _ in 1 + simulation.choice(below: 4_000) }
        let patience = Duration.microseconds(20 + simulation.choice(below: 1_000))
        var done = 0
        host.start {
            let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 7) {
                HalfClosingEcho("server", book)
            }
            try await server.serveForever()
        }
        let client = try simulation.host("client")
        client.start {
            let loop = try getRunningLoop()
            var outgoing = ByteStream(3)
            var expected = ByteStream(3)
            let made = try await retrying {
                try await loop.createConnection(host: "host", port: 7, family: .ipv4) { Idle("idle", book) }
            }
            made.transport.close()
            let (reader, writer) = try await retrying {
                try await loop.openConnection(host: "host", port: 7, family: .ipv4)
            }
            for size in sizes {
                writer.write(outgoing.next(size))
                try await writer.drain()
                while expected.count < outgoing.count {
                    let left = outgoing.count - expected.count
                    let piece = try? await timeout(patience) { _ in try await reader.read(upTo: left) }
                    guard let piece else { continue }
                    book.expect(!piece.isEmpty, "the stream ended at \(expected.count)")
                    if piece.isEmpty { return }
                    book.expect(expected.takes(piece), "bytes lost at \(expected.count)")
                }
            }
            writer.close()
            try await writer.waitClosed()
            done += 1
        }
        try simulation.run(until: { done == 1 }, within: .seconds(600))
        try simulation.run(for: .seconds(1))
        try simulation.finish()
    }
}

/// Expects nothing.
final class Idle: CheckedProtocol {
    override func received(_ bytes: [UInt8]) throws { book.complain("\(name): \(bytes.count) bytes") }
}
