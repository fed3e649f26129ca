import TestCertificates
import Testing

@testable import Proactor
@testable import ProactorTLS

@Suite struct OpenSSLGroupTests {
    @Test(arguments: LoopKind.allCases)
    func theLoopsOfAGroupShareContexts(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        try await kind.withGroup { group in
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            options.tls = TLSOptions(serverContext)
            let server = try await group.createServer(options) { RecordingProtocol.echo() }
            let port = try #require(server.port)
            let answers = try await group.runOnEach { loop in
                var count = 0
                for number in 0..<15 {
                    let (reader, writer) = try await loop.openConnection(
                        host: "127.0.0.1",
                        port: port,
                        tls: clientContext,
                        serverName: "localhost"
                    )
                    writer.write("number \(number)\n")
                    if text(try await reader.readLine()) == "number \(number)\n" { count += 1 }
                    writer.close()
                    try await writer.waitClosed()
                }
                return count
            }
            #expect(answers == [15, 15])
            server.close()
            server.closeClients()
            try await server.waitClosed()
        }
    }
}
