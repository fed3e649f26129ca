import Proactor
import ProactorTesting

extension Scenario {
    /// Messages that come back over TLS, by an engine without cryptography.
    static let tls = Scenario("tls") { simulation, book in
        let server = try simulation.host("server")
        server.start {
            let server = try await getRunningLoop().createServer(
                host: "0.0.0.0",
                port: 7,
                tls: ScrambledTLS()
            ) {
                EchoProtocol("server", book)
            }
            try await server.serveForever()
        }
        var done = 0
        for number in 0..<2 {
            let client = try simulation.host("client\(number)")
            let sizes = (0..<10).map { _ in 1 + simulation.choice(below: 20_000) }
            client.start {
                let loop = try getRunningLoop()
                let made = try await retrying {
                    try await loop.createConnection(
                        host: "server",
                        port: 7,
                        family: .ipv4,
                        tls: ScrambledTLS()
                    ) { TalkingProtocol(number, sizes, book) }
                }
                try await made.protocol.wait()
                made.transport.close()
                done += 1
            }
        }
        try simulation.run(until: { done == 2 }, within: .seconds(600))
        try simulation.run(for: .seconds(60))
        try simulation.finish()
    }
}
