import Proactor
import ProactorTesting

extension Scenario {
    /// Too few descriptors: connections wait, calls fail and say so, and all goes on when there are some again.
    static let shortage: Scenario = {
        var faults = SimulationFaults.all
        faults[.resourceShortage] = 0.05
        return Scenario("shortage", faults: faults) { simulation, book in
            let server = try simulation.host("server")
            server.descriptorLimit = 4 + simulation.choice(below: 4)
            server.start {
                let loop = try getRunningLoop()
                loop.setExceptionHandler { _, _ in }
                let server = try await retrying {
                    try await loop.createServer(host: "0.0.0.0", port: 7) { EchoProtocol("server", book) }
                }
                try await server.serveForever()
            }
            var done = 0
            for number in 0..<6 {
                let client = try simulation.host("client\(number)")
                client.start {
                    let loop = try getRunningLoop()
                    let (_, talker) = try await retrying {
                        try await loop.createConnection(host: "10.0.0.1", port: 7) {
                            TalkingProtocol(number, [10, 20, 30], book)
                        }
                    }
                    try await talker.wait()
                    talker.transport?.close()
                    done += 1
                }
            }
            try simulation.run(until: { done == 6 }, within: .seconds(3_600))
            try simulation.run(for: .seconds(5))
            try simulation.finish()
        }
    }()
}
