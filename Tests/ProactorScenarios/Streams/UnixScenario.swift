import Proactor
import ProactorTesting

extension Scenario {
    /// A Unix server and its clients on one host, with a loop each, and files that come and go.
    static let unix = Scenario("unix") { simulation, book in
        let host = try simulation.host("host")
        host.start {
            let server = try await getRunningLoop().createUnixServer(path: "/run/echo.sock") {
                HalfClosingEcho("server", book)
            }
            try await server.serveForever()
        }
        var done = 0
        for number in 0..<3 {
            let total = 1 + simulation.choice(below: 250_000)
            host.start {
                let loop = try getRunningLoop()
                let source = try await retrying {
                    try await loop.createUnixConnection(path: "/run/echo.sock") {
                        SourceProtocol(number, total, pausing: false, book)
                    }.protocol
                }
                try await source.wait()
                done += 1
            }
        }
        try simulation.run(until: { done == 3 }, within: .seconds(600))
        try simulation.run(for: .seconds(1))
        try simulation.finish()
        book.expect(host.contents(ofFile: "/run/echo.sock") == nil, "the socket's file is left")
    }
}
