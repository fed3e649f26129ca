import Foundation
import Testing

@Suite struct ExampleTests {
    @Test func helloWithCallSoon() async throws {
        let (lines, code) = try await ended(try ExampleProgram("ExampleHello"))
        #expect(lines == ["Hello World"])
        #expect(code == 0)
    }

    @Test func theDateWithCallLater() async throws {
        let (lines, code) = try await ended(try ExampleProgram("ExampleDisplayDate", "5"))
        #expect(lines.count == 5)
        // Such as 2026-01-31 23:59:59 +0000.
        #expect(lines.allSatisfy { $0.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000/) != nil })
        #expect(code == 0)
    }

    @Test func tcpEcho() async throws {
        let outcome = try await onThread {
            let server = try ExampleProgram("ExampleTCPEchoServer", "0")
            let serving = try server.nextLine()
            let port = try #require(serving.split(separator: ":").last)
            #expect(serving == "Serving on 127.0.0.1:\(port)")
            let client = try ExampleProgram("ExampleTCPEchoClient", String(port)).end()
            let served = try (0..<4).map { _ in try server.nextLine() }
            server.send(signal: SIGTERM)
            _ = try server.end()
            return (client, served)
        }
        let (client, served) = try #require(outcome)
        #expect(
            client.lines == [
                "Data sent: Hello World!", "Data received: Hello World!", "The server closed the connection",
            ]
        )
        #expect(client.code == 0)
        #expect(served[0].hasPrefix("Connection from 127.0.0.1:"))
        #expect(
            Array(served[1...]) == [
                "Data received: Hello World!", "Send: Hello World!", "Close the client socket",
            ]
        )
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

    @Test func watchingADescriptorWithAddReader() async throws {
        let (lines, code) = try await ended(try ExampleProgram("ExampleWatchDescriptor"))
        #expect(lines == ["Received: abc"])
        #expect(code == 0)
    }

    @Test(arguments: [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")])
    func signalsEndALoopInOrder(signal: Int32, name: String) async throws {
        let outcome = try await onThread {
            let program = try ExampleProgram("ExampleSignals")
            for _ in 0..<2 { _ = try program.nextLine() }
            program.send(signal: signal)
            return try program.end()
        }
        let (lines, code) = try #require(outcome)
        #expect(lines == ["got signal \(name): exit"])
        #expect(code == 0)
    }

    @Test func aSubprocessTellsTheDate() async throws {
        let (lines, code) = try await ended(try ExampleProgram("ExampleSubprocess"))
        #expect(lines.count == 1)
        #expect(lines.first?.wholeMatch(of: /Current date: \d{4}-\d\d-\d\d/) != nil)
        #expect(code == 0)
    }

    /// What a program prints, and its exit code.
    private func ended(
        _ program: sending @autoclosure @escaping () throws -> ExampleProgram
    ) async throws -> (lines: [String], code: Int32) {
        // It is called once, on the thread.
        nonisolated(unsafe) let program = program
        return try #require(try await onThread { try program().end() })
    }
}
