import Foundation
import TestCertificates
import Testing

@testable import Proactor

@Suite struct OpenSSLExampleTests {
    private struct Files {
        let directory = try? TestDirectory()
        let chain: String
        let key: String
        let authority: String

        init() throws {
            let directory = try #require(directory)
            let identity = TestAuthority.shared.identity()
            chain = try directory.write("chain.pem", identity.certificatePEM).string
            key = try directory.write("key.pem", identity.keyPEM).string
            authority = try directory.write("authority.pem", TestAuthority.shared.own.certificatePEM).string
        }
    }

    private func port(_ line: String) -> String {
        line.split(separator: ":").last.map(String.init) ?? ""
    }

    @Test func aPageOverTLS() async throws {
        let outcome = try await onThread {
            () throws -> (client: [String], stranger: [String], served: [String]) in
            let files = try Files()
            let server = try ExampleProgram("ExampleHTTPSServer", files.chain, files.key, "0")
            let port = port(try server.nextLine())
            let client = try ExampleProgram("ExampleHTTPSClient", "127.0.0.1", port, "/page", files.authority)
                .end()
            let other = try #require(files.directory).write(
                "other.pem",
                TestAuthority.stranger.own.certificatePEM
            )
            let stranger = try ExampleProgram("ExampleHTTPSClient", "127.0.0.1", port, "/", other.string)
                .end()
            server.send(signal: SIGHUP)
            let renewed = try server.nextLine()
            server.send(signal: SIGTERM)
            return (client.lines, stranger.lines, [renewed] + (try server.end().lines))
        }
        let (client, stranger, served) = try #require(outcome)
        #expect(client.first?.hasPrefix("CN=a test's server") == true)
        #expect(client.contains { $0.contains("You asked GET /page HTTP/1.1 over TLSv1.3.") })
        #expect(stranger.first?.hasPrefix("nobody that is trusted here") == true)
        #expect(served.first == "The certificate was renewed")
        #expect(served.last?.hasPrefix("The end") == true)
    }

    @Test func aConversationThatGoesOnEncrypted() async throws {
        let lines = try await onThread { () throws -> [String] in
            let files = try Files()
            let server = try ExampleProgram("ExampleStartTLS", "server", files.chain, files.key, "0")
            let port = port(try server.nextLine())
            let client = try ExampleProgram("ExampleStartTLS", "client", files.authority, port).end()
            server.send(signal: SIGTERM)
            _ = try server.end()
            return client.lines
        }
        #expect(
            lines == [
                "220 example ready", "250 STARTTLS", "220 go ahead", "TLSv1.3", "250 welcome, nobody listens",
                "221 bye",
            ]
        )
    }
}
