import Proactor
import ProactorTesting

extension Scenario {
    /// Readers and writers by await: lines that come back, with time-outs that cut some of the reads.
    static let lines = Scenario("lines") { simulation, book in
        let server = try simulation.host("server")
        server.start {
            let server = try await getRunningLoop().startServer(host: "0.0.0.0", port: 7) { reader, writer in
                while let line = try? await reader.readLine(), !line.isEmpty {
                    writer.write(line)
                    guard (try? await writer.drain()) != nil else { break }
                }
                writer.close()
                try? await writer.waitClosed()
            }
            try await server.serveForever()
        }
        var done = 0
        for number in 0..<2 {
            let client = try simulation.host("client\(number)")
            let lengths = (0..<15).map { _ in simulation.choice(below: 3_000) }
            let patience = Duration.microseconds(50 + simulation.choice(below: 3_000))
            let highMark = simulation.choice(below: 400)
            client.start {
                let loop = try getRunningLoop()
                let (reader, writer) = try await retrying {
                    try await loop.openConnection(host: "server", port: 7, family: .ipv4)
                }
                // So that drain() has something to wait for.
                try writer.transport.setWriteBufferLimits(high: highMark, low: nil)
                let lines = lengths.enumerated().map { index, length in
                    Array(repeating: UInt8(ascii: "a") + UInt8(index), count: length) + [UInt8(ascii: "\n")]
                }
                // Three at a time, and each is read in two pieces: what is behind them waits in the reader meanwhile.
                for first in stride(from: 0, to: lines.count, by: 3) {
                    for line in lines[first..<first + 3] { writer.write(line) }
                    try await writer.drain()
                    for line in lines[first..<first + 3] {
                        let echo = try await readPatiently(reader, line.count / 2, patience)
                        book.expect(
                            echo == line,
                            "client \(number): a line of \(line.count) bytes came back as \(echo.count)"
                        )
                    }
                }
                writer.writeEOF()
                let rest = try await reader.readToEnd()
                book.expect(rest.isEmpty, "client \(number): \(rest.count) bytes too many")
                writer.close()
                try await writer.waitClosed()
                done += 1
            }
        }
        try simulation.run(until: { done == 2 }, within: .seconds(600))
        try simulation.run(for: .seconds(1))
        try simulation.finish()
    }
}

/// Reads some bytes and the rest of their line, again and again when that takes too long: a read that was cut short has taken
/// nothing.
nonisolated(nonsending) private func readPatiently(
    _ reader: StreamReader,
    _ count: Int,
    _ patience: Duration
) async throws -> [UInt8] {
    var head: [UInt8]?
    while true {
        do {
            if head == nil { head = try await timeout(patience) { _ in try await reader.readExactly(count) } }
            return (head ?? []) + (try await timeout(patience) { _ in try await reader.readLine() })
        } catch is TimeoutError {
            continue
        }
    }
}
