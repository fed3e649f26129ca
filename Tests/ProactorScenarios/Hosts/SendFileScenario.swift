import Proactor
import ProactorTesting

extension Scenario {
    /// A file that a server sends to its clients, of whom some go away in the middle.
    static let sendFile = Scenario("sendFile") { simulation, book in
        let server = try simulation.host("server")
        let size = simulation.choice(below: 300_000)
        var stream = ByteStream(9)
        try server.writeFile("/var/page", stream.next(size))
        server.start {
            let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 80) {
                FileServer("server", book)
            }
            try await server.serveForever()
        }
        var done = 0
        for number in 0..<3 {
            let client = try simulation.host("client\(number)")
            let leavesEarly = simulation.choice(below: 3) == 0
            client.start {
                let loop = try getRunningLoop()
                let (reader, writer) = try await retrying {
                    try await loop.openConnection(host: "server", port: 80, family: .ipv4)
                }
                var expected = ByteStream(9)
                while true {
                    let piece = try await reader.read(upTo: 20_000)
                    book.expect(expected.takes(piece), "client \(number): not the file's bytes")
                    if piece.isEmpty || leavesEarly { break }
                }
                book.expect(
                    leavesEarly || expected.count == size,
                    "client \(number): \(expected.count) of \(size) bytes came"
                )
                writer.close()
                done += 1
            }
        }
        try simulation.run(until: { done == 3 }, within: .seconds(600))
        try simulation.run(for: .seconds(5))
        try simulation.finish()
    }
}

/// Sends a file to whoever connects, and closes.
private final class FileServer: CheckedProtocol {
    override func made(_ transport: any Transport) throws {
        let loop = try getRunningLoop()
        loop.createTask {
            let file = try await File.open("/var/page", on: loop)
            do {
                try await loop.sendFile(transport, file)
            } catch is SendFileError {
                // The client is gone.
            } catch is EventLoopError {
                // It was gone before.
            }
            try await file.close()
            transport.close()
        }
    }
}
