import Proactor
import ProactorTesting

extension Scenario {
    /// A server that is asked to stop by a signal, while clients are at work: those that have begun are served to their end.
    static let stop = Scenario("stop") { simulation, book in
        let server = try simulation.host("server")
        var hasStopped = false
        server.start {
            let loop = try getRunningLoop()
            let server = try await loop.createServer(host: "0.0.0.0", port: 7) {
                EchoProtocol("server", book)
            }
            let asked = Event()
            try loop.addSignalHandler(.terminate) { asked.set() }
            try await asked.wait()
            _ = await server.shutdownGracefully(timeout: .seconds(2))
            try await server.waitClosed()
            try loop.removeSignalHandler(.terminate)
            hasStopped = true
        }
        for number in 0..<3 {
            let client = try simulation.host("client\(number)")
            let pause = Duration.microseconds(simulation.choice(below: 20_000))
            client.start {
                let loop = try getRunningLoop()
                try await sleep(for: pause)
                do {
                    let made = try await loop.createConnection(host: "server", port: 7, family: .ipv4) {
                        PrefixProtocol("client \(number)", book)
                    }
                    made.protocol.send(5_000)
                } catch is SocketError {
                    // It came too late, or too early.
                }
            }
        }
        try simulation.run(for: .microseconds(1_000 + simulation.choice(below: 25_000)))
        server.send(.terminate)
        try simulation.run(until: { hasStopped }, within: .seconds(60))
        try simulation.run(for: .seconds(5))
        try simulation.finish()
    }
}
