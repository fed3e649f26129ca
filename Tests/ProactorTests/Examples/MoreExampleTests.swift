import Foundation
import Testing

@Suite struct MoreExampleTests {
    @Test func watchingADescriptorWithAddReader() async throws {
        let ended = try await onThread { try ExampleProgram("ExampleWatchDescriptor").end() }
        #expect(ended?.lines == ["Received: abc"])
        #expect(ended?.code == 0)
    }

    @Test(arguments: [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")])
    func signalsEndALoopInOrder(signal: Int32, name: String) async throws {
        let ended = try await onThread {
            let program = try ExampleProgram("ExampleSignals")
            for _ in 0..<2 { _ = try program.nextLine() }
            program.send(signal: signal)
            return try program.end()
        }
        #expect(ended?.lines == ["got signal \(name): exit"])
        #expect(ended?.code == 0)
    }

    @Test func udpEcho() async throws {
        let outcome = try await onThread {
            let server = try ExampleProgram("ExampleUDPEchoServer", "0")
            let serving = try server.nextLine()
            let port = try #require(serving.split(separator: ":").last)
            let client = try ExampleProgram("ExampleUDPEchoClient", String(port)).end()
            let served = try (0..<2).map { _ in try server.nextLine() }
            server.send(signal: SIGTERM)
            _ = try server.end()
            return (client, served)
        }
        let (client, served) = try #require(outcome)
        #expect(
            client.lines == [
                "Send: Hello World!", "Received: Hello World!", "Close the socket", "Connection closed",
            ]
        )
        #expect(client.code == 0)
        #expect(served[0].hasPrefix("Received Hello World! from 127.0.0.1:"))
        #expect(served[1].hasPrefix("Send Hello World! to 127.0.0.1:"))
    }

    @Test func aSubprocessTellsTheDate() async throws {
        let ended = try await onThread { try ExampleProgram("ExampleSubprocess").end() }
        #expect(ended?.lines.count == 1)
        #expect(ended?.lines.first?.wholeMatch(of: /Current date: \d{4}-\d\d-\d\d/) != nil)
        #expect(ended?.code == 0)
    }
}
