import SystemPackage
import Testing

@testable import Proactor

@Suite struct StreamServerTests {
    @Test(arguments: LoopKind.everywhere)
    func aServerAndAClientTalk(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.run { () async throws in
                try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                    for try await line in reader.lines {
                        writer.write("> ")
                        writer.write(line)
                        try await writer.drain()
                    }
                    writer.close()
                }
            }
            let port = try loop.port(of: server)
            try loop.run { () async throws in
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
                for number in 0..<100 {
                    writer.write("line \(number)\n")
                    #expect(text(try await reader.readLine()) == "> line \(number)\n")
                }
                writer.writeEOF()
                #expect(try await reader.readLine() == [])
                writer.close()
                try await writer.waitClosed()
                server.close()
                try await server.waitClosed()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func unixSocketsByNameAndPath(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let path = folder.path("streams")
            try loop.run { () async throws in
                let server = try await loop.startUnixServer(path: path) { reader, writer in
                    writer.write(try await reader.readUntil("."))
                    writer.close()
                }
                let (reader, writer) = try await loop.openUnixConnection(path: path)
                writer.write("question.")
                #expect(text(try await reader.readToEnd()) == "question.")
                writer.close()
                try await writer.waitClosed()
                server.close()
                try await server.waitClosed()
            }
        }
    }

    // Pitfall 69
    @Test(arguments: LoopKind.everywhere)
    func aHandlerThatThrowsClosesItsConnectionAndIsReported(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            let server = try loop.run { () async throws in
                try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                    let line = text(try await reader.readLine())
                    writer.write("you said \(line)")
                    if line == "fail\n" { throw TestError(number: 3) }
                    writer.close()
                }
            }
            let port = try loop.port(of: server)
            for line in ["fail\n", "fine\n"] {
                try loop.run { () async throws in
                    let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
                    writer.write(line)
                    // What was written before is sent.
                    #expect(text(try await reader.readToEnd()) == "you said \(line)")
                    writer.close()
                    try await writer.waitClosed()
                }
            }
            #expect(reported.count == 1)
            #expect(reported.first?.error as? TestError == TestError(number: 3))
            #expect(reported.first?.server === server)
            #expect(reported.first?.transport != nil && reported.first?.connectionProtocol != nil)
            loop.setExceptionHandler(nil)
            server.close()
            try loop.run { try await server.waitClosed() }
            reported = []
        }
    }

    // Pitfall 69
    @Test(arguments: LoopKind.allCases)
    func nobodyButTheLoopHasToHoldAHandler(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let server = try loop.run { () async throws in
                try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                    let object = lives.makeObject()
                    for try await line in reader.lines { writer.write(line) }
                    object.touch()
                    writer.close()
                }
            }
            let port = try loop.port(of: server)
            let peers = try (0..<10).map { _ in RawPeer(try RawPeer.connectedDescriptor(port: port)) }
            for (number, peer) in peers.enumerated() { peer.write("peer \(number)\n") }
            try loop.turn(until: {
                for peer in peers { peer.read() }
                return peers.enumerated().allSatisfy { $1.text == "peer \($0)\n" }
            })
            #expect(lives.alive == 10)
            server.close()
            // Connections outlive their server.
            for peer in peers { peer.write("more\n") }
            try loop.turn(until: {
                for peer in peers { peer.read() }
                return peers.enumerated().allSatisfy { $1.text == "peer \($0)\nmore\n" }
            })
            for peer in peers { peer.finish() }
            try loop.run { try await server.waitClosed() }
            #expect(lives.alive == 0)
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func handlersOfAServerThatIsServedAndCancelledEnd(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ends: [String] = []
            let server = try loop.run { () async throws in
                try await loop.startServer(host: "127.0.0.1", port: 0, startServing: false) {
                    reader,
                    writer in
                    ends.append("read \(try await reader.readToEnd().count)")
                    writer.close()
                }
            }
            let serving = loop.createTask { try await server.serveForever() }
            try loop.settle(turns: 2)
            let peer = RawPeer(try RawPeer.connectedDescriptor(port: try loop.port(of: server)))
            peer.write("abc")
            try loop.turn(until: { loop.tasks.all.count == 2 })
            try loop.settle(turns: 3)
            serving.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(serving) }
            try loop.runUntilTasksAreDone()
            #expect(ends == ["read 3"])
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aHandlerThatIsCancelledClosesAndIsNoError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported = 0
            loop.setExceptionHandler { _, _ in reported += 1 }
            let server = try loop.run { () async throws in
                try await loop.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                    _ = try await reader.readLine()
                }
            }
            let peer = RawPeer(try RawPeer.connectedDescriptor(port: try loop.port(of: server)))
            try loop.turn(until: { loop.tasks.all.count == 1 })
            try loop.settle(turns: 2)
            for task in loop.tasks.all { task.cancel() }
            try loop.turn(until: {
                peer.read()
                return peer.isOver
            })
            #expect(reported == 0)
            loop.setExceptionHandler(nil)
            server.close()
            try loop.run { try await server.waitClosed() }
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aHandlerThatReturnsLeavesTheConnectionToWhoHasTheWriter(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var kept: [StreamWriter] = []
            let server = try loop.run { () async throws in
                try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                    if text(try await reader.readLine()) == "keep\n" { kept.append(writer) }
                    writer.write("done\n")
                }
            }
            let port = try loop.port(of: server)
            let peers = try ["keep\n", "drop\n"].map { line in
                let peer = RawPeer(try RawPeer.connectedDescriptor(port: port))
                peer.write(line)
                return peer
            }
            try loop.turn(until: {
                for peer in peers { peer.read() }
                return peers[1].isOver && kept.count == 1
            })
            #expect(peers[1].text == "done\n")
            kept.first?.write("still here\n")
            try loop.turn(until: {
                peers[0].read()
                return peers[0].text == "done\nstill here\n"
            })
            #expect(!peers[0].isOver)
            // Dropped by its last owner, it is closed.
            kept = []
            try loop.turn(until: {
                peers[0].read()
                return peers[0].isOver
            })
            server.close()
            try loop.run { try await server.waitClosed() }
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopThatEndsCancelsItsHandlers(kind: LoopKind) async throws {
        try await kind.withLoop { _ in
            let lives = LifeCounter()
            let runner = Runner(options: RunnerOptions(loopFactory: { try kind.makeLoop() }))
            let peer = try runner.run {
                let loop = try getRunningLoop()
                let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                    let object = lives.makeObject()
                    defer { object.touch() }
                    writer.write(try await reader.readToEnd())
                }
                let port = try #require(try server.sockets[0].localAddress().port)
                let peer = RawPeer(try RawPeer.connectedDescriptor(port: port))
                while lives.alive == 0 { try await sleep(for: .zero) }
                return peer
            }
            try runner.close()
            peer.waitUntilOver()
            #expect(lives.alive == 0)
            peer.close()
        }
    }
}
