import Testing

@testable import Proactor

@Suite struct TLSServerTests {
    private let context = ScriptedTLS()

    private static func options(_ context: ScriptedTLS) -> ServerOptions {
        var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
        options.tls = TLSOptions(context)
        return options
    }

    private static func connect(
        _ loop: BaseEventLoop,
        _ server: Server,
        _ context: ScriptedTLS
    ) throws -> ScriptedPeer {
        let peer = try ScriptedPeer(try RawPeer(connectedTo: loop.port(of: server)), context, .client)
        try loop.turn {
            peer.step()
            return peer.isOpen
        }
        return peer
    }

    @Test(arguments: LoopKind.allCases)
    func itsConnectionsEndByCloseNotify(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for aborts in [false, true] {
                var made: [RecordingProtocol] = []
                let server = try loop.serve(Self.options(context)) {
                    let new = RecordingProtocol.echo()
                    made.append(new)
                    return new
                }
                let peers = try (0..<3).map { _ in try Self.connect(loop, server, context) }
                for peer in peers { peer.write("hello") }
                try loop.turn {
                    for peer in peers { peer.step() }
                    return peers.allSatisfy { $0.text == "hello" }
                }
                server.close()
                if aborts { server.abortClients() } else { server.closeClients() }
                try loop.turn {
                    for peer in peers {
                        peer.step()
                        if peer.sawCloseNotify, peer.engine.closeNotifies == 0 { peer.closeNotify() }
                    }
                    return server.isDrained
                }
                #expect(peers.allSatisfy { $0.sawCloseNotify != aborts })
                #expect(made.allSatisfy { $0.lostCount == 1 && $0.lostError == nil })
                for peer in peers { peer.raw.close() }
            }
        }
    }

    // Pitfall 62
    @Test(arguments: LoopKind.allCases)
    func aGracefulStopReachesEveryState(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            var made: [RecordingProtocol] = []
            var answer = ShutdownAnswer.undecided
            let server = try loop.serve(Self.options(context)) {
                let new = RecordingProtocol()
                let its = answer
                new.onShutdownRequested = { its }
                made.append(new)
                return new
            }
            let unused = try Self.connect(loop, server, context)
            let used = try Self.connect(loop, server, context)
            used.write("x")
            answer = .close
            let closing = try Self.connect(loop, server, context)
            answer = .whenDone
            let busy = try Self.connect(loop, server, context)
            // One has not begun its handshake, one is amid it.
            let silent = try RawPeer(connectedTo: loop.port(of: server))
            let amid = try ScriptedPeer(try RawPeer(connectedTo: loop.port(of: server)), context, .client)
            amid.step()
            try loop.turn { made.count == 6 && made[1].text == "x" }
            try loop.settle(turns: 3)
            let task = loop.createTask { await server.shutdownGracefully(timeout: .seconds(60)) }
            try loop.turn {
                for peer in [unused, used, closing, busy] { peer.step() }
                silent.read()
                amid.raw.read()
                return silent.isOver && amid.raw.isOver && unused.sawCloseNotify && closing.sawCloseNotify
            }
            try loop.settle()
            #expect(!busy.sawCloseNotify && !used.sawCloseNotify && !task.done)
            for peer in [unused, closing] { peer.closeNotify() }
            // The protocol that was busy closes; the other connection's peer leaves.
            made[3].transport?.write("done")
            made[3].transport?.close()
            used.closeNotify()
            try loop.turn {
                for peer in [used, busy] { peer.step() }
                if busy.sawCloseNotify, busy.engine.closeNotifies == 0 { busy.closeNotify() }
                return task.done
            }
            #expect(busy.text == "done")
            let summary = try task.result()
            #expect(summary.drained == 6 && summary.aborted == 0)
            // Those whose handshake was never done have heard of nothing.
            #expect(made[4].events.isEmpty && made[5].events.isEmpty)
            #expect(made.prefix(4).allSatisfy { $0.lostCount == 1 && $0.lostError == nil })
            #expect(made.prefix(4).allSatisfy { $0.shutdownRequests == 1 })
            for peer in [unused, used, closing, busy, amid] { peer.raw.close() }
            silent.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theRestIsAbortedAtTheDeadline(kind: LoopKind) async throws {
        let context = context
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            recorder.onShutdownRequested = { .close }
            let server = try loop.serve(Self.options(context)) { recorder }
            let peer = try Self.connect(loop, server, context)
            try loop.turn { recorder.transport != nil }
            let task = loop.createTask { await server.shutdownGracefully(timeout: .seconds(5)) }
            try loop.turn {
                peer.step()
                return peer.sawCloseNotify
            }
            backend.advanceClock(by: .seconds(5))
            try loop.turn { task.done }
            #expect(try task.result().aborted == 1)
            #expect(recorder.lostCount == 1 && recorder.lostError == nil)
            peer.raw.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func handshakesCountAsConnections(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            var options = Self.options(context)
            options.maxConnections = 1
            var made: [RecordingProtocol] = []
            let server = try loop.serve(options) {
                made.append(RecordingProtocol())
                return made[made.count - 1]
            }
            let silent = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn { made.count == 1 }
            let second = try ScriptedPeer(try RawPeer(connectedTo: loop.port(of: server)), context, .client)
            second.step()
            try loop.settle()
            #expect(made.count == 1 && !second.isOpen)
            silent.close()
            try loop.turn {
                second.step()
                return second.isOpen
            }
            #expect(made.count == 2 && made[0].events.isEmpty)
            server.close()
            second.raw.close()
            try loop.turn { server.isDrained }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anIdleTimeCountsFromTheHandshakesBegin(kind: LoopKind) async throws {
        let context = context
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            var options = Self.options(context)
            options.idleTimeout = .seconds(4)
            let server = try loop.serve(options) { RecordingProtocol() }
            let silent = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn { loop.openTransports.count == 1 }
            for _ in 0..<6 {
                backend.advanceClock(by: .seconds(1))
                try loop.settle(turns: 2)
            }
            try loop.turn {
                silent.read()
                return silent.isOver
            }
            server.close()
            silent.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatItsFactoryThrowsCostsOneConnection(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            var reports: [String] = []
            loop.setExceptionHandler { _, context in reports.append(context.message) }
            var fails = true
            let server = try loop.serve(Self.options(context)) {
                if fails { throw TestError() }
                return RecordingProtocol()
            }
            let first = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn {
                first.read()
                return first.isOver
            }
            fails = false
            context.refusal = TLSError(.context, .other)
            let second = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn {
                second.read()
                return second.isOver
            }
            context.refusal = nil
            #expect(reports.count == 2 && reports[0] != reports[1])
            let third = try Self.connect(loop, server, context)
            server.close()
            third.raw.close()
            try loop.turn { server.isDrained }
        }
    }

    @Test(arguments: [LoopKind.ring, .epoll].filter(LoopKind.allCases.contains))
    func aGroupSharesOneContext(kind: LoopKind) async throws {
        let context = context
        try await kind.withGroup { group in
            let server = try await group.createServer(Self.options(context)) { RecordingProtocol.echo() }
            let port = server.addresses[0].port ?? 0
            let lines = try await group.members[0].runCoroutineThreadSafe {
                var lines: [String] = []
                for index in 0..<8 {
                    let line = try await group.members[0].withConnection(
                        host: "127.0.0.1",
                        port: port,
                        tls: context
                    ) { reader, writer in
                        writer.write("line \(index)\n")
                        return String(decoding: try await reader.readLine(), as: UTF8.self)
                    }
                    lines.append(line)
                }
                return lines
            }.value()
            #expect(lines == (0..<8).map { "line \($0)\n" })
            // Whom to reach is the host, where nothing else is said.
            #expect(context.serverNames.contains("127.0.0.1"))
        }
    }
}
