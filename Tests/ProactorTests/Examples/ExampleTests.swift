import Foundation
import SystemPackage
import Testing

@testable import Proactor

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
        let echo = try await echo("ExampleTCPEchoServer", "ExampleTCPEchoClient", linesServed: 4)
        #expect(echo.serving == "Serving on 127.0.0.1:\(echo.port)")
        #expect(
            echo.client.lines == [
                "Data sent: Hello World!", "Data received: Hello World!", "The server closed the connection",
            ]
        )
        #expect(echo.client.code == 0)
        #expect(echo.served[0].hasPrefix("Connection from 127.0.0.1:"))
        #expect(
            Array(echo.served[1...]) == [
                "Data received: Hello World!", "Send: Hello World!", "Close the client socket",
            ]
        )
    }

    @Test func echoByStreams() async throws {
        let echo = try await echo("ExampleStreamEchoServer", "ExampleStreamEchoClient", linesServed: 3)
        #expect(
            echo.client.lines == ["Send: Hello World!", "Received: Hello World!", "Close the socket"]
        )
        #expect(echo.client.code == 0)
        #expect(echo.served[0].hasPrefix("Received Hello World! from 127.0.0.1:"))
        #expect(Array(echo.served[1...]) == ["Send: Hello World!", "Close the client socket"])
    }

    @Test func aSocketByStreams() async throws {
        let (lines, code) = try await ended(try ExampleProgram("ExampleStreamSocket"))
        #expect(lines == ["Received: abc"])
        #expect(code == 0)
    }

    @Test func udpEcho() async throws {
        let echo = try await echo("ExampleUDPEchoServer", "ExampleUDPEchoClient", linesServed: 2)
        #expect(
            echo.client.lines == [
                "Send: Hello World!", "Received: Hello World!", "Close the socket", "Connection closed",
            ]
        )
        #expect(echo.client.code == 0)
        #expect(echo.served[0].hasPrefix("Received Hello World! from 127.0.0.1:"))
        #expect(echo.served[1].hasPrefix("Send Hello World! to 127.0.0.1:"))
    }

    @Test func theHeadOfAnHTTPAnswer() async throws {
        let outcome = try await onThread { () throws -> (lines: [String], code: Int32, request: String) in
            let listener = try SocketPair.check(socket(AF_INET, SOCK_STREAM_CLOEXEC, 0))
            defer { close(listener) }
            let port = try SocketPair.bindToLoopback(listener)
            try SocketPair.check(listen(listener, 1))
            let program = try ExampleProgram("ExampleHTTPHead", "127.0.0.1", String(port), "/page")
            let peer = RawPeer(FileDescriptor(rawValue: try SocketPair.check(accept(listener, nil, nil))))
            peer.write("HTTP/1.0 200 OK\r\nServer: a test\r\n\r\nnot the header\r\n")
            peer.finish()
            peer.waitUntilOver()
            peer.close()
            let (lines, code) = try program.end()
            return (lines, code, peer.text)
        }
        let (lines, code, request) = try #require(outcome)
        #expect(lines == ["HTTP header> HTTP/1.0 200 OK", "HTTP header> Server: a test"])
        #expect(code == 0)
        #expect(request == "HEAD /page HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
    }

    @Test func chattingByLines() async throws {
        let heard = try await onThread { () throws -> [[String]] in
            let server = try ExampleProgram("ExampleChatServer", "0")
            let serving = try server.nextLine()
            let port = try #require(serving.split(separator: ":").last.flatMap { UInt16($0) })
            let members = try ["Ann", "Bob"].map { name in
                let member = RawPeer(try RawPeer.connectedDescriptor(port: port))
                member.write("\(name)\n")
                // In this order.
                #expect(try server.nextLine() == "\(name) has come in")
                return member
            }
            members[0].write("hello\n")
            #expect(try server.nextLine() == "Ann: hello")
            members[1].write("/quit\n")
            #expect(try server.nextLine() == "Bob has left")
            members[0].finish()
            #expect(try server.nextLine() == "Ann has left")
            for member in members { member.waitUntilOver() }
            server.send(signal: SIGTERM)
            _ = try server.end()
            defer { for member in members { member.close() } }
            return members.map { $0.text.split(separator: "\n").map(String.init) }
        }
        #expect(
            heard == [
                ["What is your name?", "Ann has come in", "Bob has come in", "Ann: hello", "Bob has left"],
                ["What is your name?", "Bob has come in", "Ann: hello"],
            ]
        )
    }

    private typealias Echo = (
        serving: String, port: Substring, client: (lines: [String], code: Int32), served: [String]
    )

    /// Lets a client talk to a server at a port of the kernel's choice, and ends the server.
    private func echo(_ server: String, _ client: String, linesServed: Int) async throws -> Echo {
        let echo: Echo? = try await onThread {
            let server = try ExampleProgram(server, "0")
            let serving = try server.nextLine()
            let port = try #require(serving.split(separator: ":").last)
            let client = try ExampleProgram(client, String(port)).end()
            let served = try (0..<linesServed).map { _ in try server.nextLine() }
            server.send(signal: SIGTERM)
            _ = try server.end()
            return (serving, port, client, served)
        }
        return try #require(echo)
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

    // MARK: - Servers

    /// The names of the loops that this machine has, as users choose them.
    private static let loops = LoopKind.allCases.filter { $0 != .ringOlderPaths }.map(\.rawValue)

    /// What a server answers, to a client that says all it has and then waits for the end.
    private func conversation(with name: String, on loop: String, _ requests: [String]) throws -> (
        program: ExampleProgram, answers: [String]
    ) {
        let program = try ExampleProgram(name, "0", loop: loop)
        let serving = try program.nextLine()
        let port = try #require(serving.split(separator: ":").last.flatMap { UInt16($0) })
        let answers = try requests.map { request in
            let peer = try RawPeer(connectedTo: port)
            peer.write(request)
            peer.finish()
            peer.waitUntilOver()
            return peer.text
        }
        return (program, answers)
    }

    @Test(arguments: loops)
    func aProtocolOfLines(loop: String) async throws {
        try await onThread {
            let (program, answers) = try conversation(
                with: "ExampleLineServer",
                on: loop,
                [
                    "add 3\nadd 4\r\nshow\nhm\nquit\nshow\n", "show\nquit\n",
                    String(repeating: "x", count: 2000),
                ]
            )
            let greeting = "add NUMBER, show or quit\n"
            #expect(
                answers == [
                    greeting + "ok\nok\n7\nwhat is that?\n", greeting + "7\n",
                    greeting + "a line has 1024 bytes at most\n",
                ]
            )
            program.send(signal: SIGTERM)
            let (lines, code) = try program.end()
            #expect(lines == ["The end: 0 connections drained, 0 aborted"])
            #expect(code == 0)
        }
    }

    @Test(arguments: loops)
    func asyncoresEchoServerAndClient(loop: String) async throws {
        try await onThread {
            let (program, answers) = try conversation(
                with: "ExampleDispatcherEchoServer",
                on: loop,
                ["one", "two"]
            )
            #expect(answers == ["one", "two"])
            program.send(signal: SIGTERM)
            let (lines, code) = try program.end()
            #expect(
                lines.count == 2 && lines.allSatisfy { $0.hasPrefix("Incoming connection from 127.0.0.1:") }
            )
            #expect(code == 0)
        }
    }

    @Test(arguments: loops)
    func asynchatsRequestHandlerAndAsyncoresClient(loop: String) async throws {
        try await onThread {
            let (program, answers) = try conversation(
                with: "ExampleChatRequestHandler",
                on: loop,
                [
                    "POST /form HTTP/1.0\r\ncontent-length: 5\r\n\r\nabcdefgh",
                    "POST /nothing HTTP/1.0\r\n\r\n",
                ]
            )
            #expect(answers[0].hasSuffix("\r\n\r\nPOST of /form with 5 bytes\n"))
            #expect(answers[1].hasSuffix("\r\n\r\nPOST of /nothing with 0 bytes\n"))
            program.send(signal: SIGTERM)
            #expect(try program.end().code == 0)
            let server = try ExampleProgram("ExampleChatRequestHandler", "0", loop: loop)
            let port = String(try #require(try server.nextLine().split(separator: ":").last))
            let client = try ExampleProgram(
                "ExampleDispatcherHTTPClient",
                "127.0.0.1",
                port,
                "/page",
                loop: loop
            )
            let (lines, code) = try client.end()
            // To Swift, CR and LF are one character.
            let page = lines.joined(separator: "\n")
            #expect(page.hasPrefix("HTTP/1.0 200 OK") && page.hasSuffix("\r\n\r\nGET of /page with 0 bytes"))
            #expect(code == 0)
            server.send(signal: SIGTERM)
            _ = try server.end()
        }
    }

    // MARK: - How programs end

    @Test(arguments: loops, [SIGINT, SIGTERM])
    func aSignalEndsAServersProgramAsItEndsPrograms(loop: String, signal: Int32) async throws {
        try await onThread {
            let program = try ExampleProgram("ExampleTCPEchoServer", "0", loop: loop)
            _ = try program.nextLine()
            program.send(signal: signal)
            let (errors, code) = try program.endWithErrors()
            #expect(code == 128 + signal)
            #expect(errors.isEmpty)
        }
    }

    @Test(arguments: loops)
    func aTakenPortIsOneSentence(loop: String) async throws {
        try await onThread {
            let first = try ExampleProgram("ExampleTCPEchoServer", "0", loop: loop)
            let port = try #require(try first.nextLine().split(separator: ":").last)
            let second = try ExampleProgram("ExampleTCPEchoServer", String(port), loop: loop)
            let (errors, code) = try second.endWithErrors()
            #expect(code == 1)
            #expect(errors.hasPrefix("ExampleTCPEchoServer: binding (127.0.0.1:\(port)) failed"))
            #expect(errors.hasSuffix("\n") && errors.count { $0 == "\n" } == 1)
            first.send(signal: SIGTERM)
            _ = try first.end()
        }
    }

    @Test func aLoopThatThereIsNotIsOneSentence() async throws {
        try await onThread {
            let (errors, code) = try ExampleProgram("ExampleTCPEchoServer", "0", loop: "kqueue")
                .endWithErrors()
            #expect(code == 1)
            #expect(errors.contains("PROACTOR_LOOP") && errors.contains("ring, epoll, poll or select"))
        }
    }

    /// `run` takes SIGINT on a program's first thread, and no other signal.
    @Test func anInterruptCancelsTheMainTask() async throws {
        let outcome = try await onThread {
            let program = try ExampleProgram("ExampleUDPEchoServer", "0")
            _ = try program.nextLine()
            program.send(signal: SIGINT)
            return try program.endWithErrors()
        }
        let (errors, code) = try #require(outcome)
        #expect(code == 128 + SIGINT && errors.isEmpty)
    }

    @Test(arguments: ["ExampleSubprocess", "ExampleSubprocessStreams"])
    func aSubprocessTellsTheDate(program: String) async throws {
        let (lines, code) = try await ended(try ExampleProgram(program))
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
