import SystemPackage
import Testing

@testable import Proactor

@Suite struct EventLoopGroupServerTests {
    private let loopback = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))

    // Behaviour 14
    @Test(arguments: LoopKind.allCases)
    func aServerIsSpreadOverTheLoops(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let accepting = Record<Int>()
            let server = try await group.createServer(loopback) {
                accepting.append(group.members.firstIndex { $0 === group.currentLoop } ?? -1)
                return RecordingProtocol.echo()
            }
            let port = try #require(server.port)
            #expect(server.addresses == [.ipv4(.loopback, port: port)])
            let addresses = try await group.runOnEach { loop in
                let servers = (loop as? BaseEventLoop)?.openServers ?? []
                return try servers.flatMap { try $0.sockets.map { try $0.localAddress() } }
            }
            #expect(addresses == [server.addresses, server.addresses])
            // The kernel spreads them by a hash of their ports: that all go one way has a chance of 2⁻⁶³.
            let peers = try (0..<64).map { _ in try RawPeer(connectedTo: port) }
            for peer in peers { peer.write("hello") }
            try await eventually {
                for peer in peers { peer.read() }
                return peers.allSatisfy { $0.text == "hello" }
            }
            #expect(accepting.entries.count == 64)
            #expect(Set(accepting.entries) == [0, 1])
            server.close()
            try await eventually {
                try await group.runOnEach { ($0 as? BaseEventLoop)?.openListeners.servers.isEmpty == true }
                    == [true, true]
            }
            #expect(try RawPeer.refuses(port: port))
            // Connections live on, until they are closed.
            peers[0].write("!")
            try await eventually {
                peers[0].read()
                return peers[0].text == "hello!"
            }
            server.closeClients()
            try await server.waitClosed()
            for peer in peers {
                peer.waitUntilOver()
                #expect(peer.sawEnd)
            }
        }
    }

    // Behaviour 19
    @Test(arguments: LoopKind.allCases)
    func itServesWhenItIsToldTo(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            var options = loopback
            options.startServing = false
            let server = try await group.createServer(options) { RecordingProtocol.echo() }
            let port = try #require(server.port)
            #expect(throws: Errno.connectionRefused) { try RawPeer(connectedTo: port) }
            try await server.startServing()
            let peers = try (0..<8).map { _ in try RawPeer(connectedTo: port) }
            server.close()
            server.abortClients()
            try await server.waitClosed()
            await #expect(throws: EventLoopError.self) { try await server.startServing() }
            for peer in peers {
                peer.waitUntilOver()
                #expect(peer.isOver)
            }
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func whenOneLoopCannotBindNoneListens(kind: LoopKind) async throws {
        LogCapture.install()
        var options = EventLoopGroupOptions(loopCount: 3)
        options.makeLoop = { index in
            let (loop, backend) = try kind.makeFaultyLoop()
            if index == 2 { backend.bindFailure = .addressInUse }
            return loop
        }
        let group = try EventLoopGroup(options)
        do {
            _ = try await group.createServer(loopback) { RecordingProtocol() }
            Issue.record("the server was made")
        } catch let error as SocketError {
            #expect(error.operation == .bind && error.errno == .addressInUse)
        }
        try await eventually {
            try await group.runOnEach { ($0 as? BaseEventLoop)?.backend.operationCount ?? -1 } == [0, 0, 0]
        }
        let lines = Record<String>()
        _ = try await group.runOnEach { loop in
            if (loop as? BaseEventLoop)?.openServers.isEmpty != true { lines.append("a server is open") }
        }
        #expect(lines.entries.isEmpty)
        await group.shutdownGracefully(timeout: .zero)
    }

    @Test(arguments: LoopKind.allCases)
    func whatCannotBeSharedIsRefused(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let endpoint = ServerOptions.Endpoint.unix(.unixAbstract(name: Array("a group's".utf8)))
            await #expect(throws: EventLoopError.self) {
                try await group.createServer(ServerOptions(endpoint)) { RecordingProtocol() }
            }
        }
    }

    // MARK: - Graceful stop

    @Test(arguments: LoopKind.allCases)
    func aServerOfAGroupStopsGracefullyAndTheGroupRunsOn(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let numbers = Record<Int>()
            let server = try await group.createServer(loopback) {
                let recorder = RecordingProtocol.echo()
                numbers.append(1)
                recorder.onShutdownRequested = { .whenDone }
                return recorder
            }
            let peers = try (0..<16).map { _ in try RawPeer(connectedTo: try #require(server.port)) }
            try await eventually { numbers.entries.count == 16 }
            let stop = Task { await server.shutdownGracefully(timeout: .seconds(3600)) }
            try await eventually {
                try await group.runOnEach { ($0 as? BaseEventLoop)?.openListeners.servers.isEmpty == true }
                    == [true, true]
            }
            for peer in peers.prefix(11) { peer.finish() }
            for peer in peers.prefix(11) { peer.waitUntilOver() }
            try await eventually {
                try await group.runOnEach { ($0 as? BaseEventLoop)?.openTransports.count ?? 0 }.reduce(0, +)
                    == 5
            }
            // Cancelling cuts the hour short.
            stop.cancel()
            #expect(await stop.value == ShutdownSummary(drained: 11, aborted: 5))
            for peer in peers {
                peer.waitUntilOver()
                #expect(peer.isOver)
            }
            let ones = try await group.runOnEach { _ in 1 }
            #expect(ones == [1, 1])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aGroupDrainsItsServersAndEnds(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let lost = Record<Int>()
            let made = Record<Int>()
            let factory: @Sendable () throws -> any ConnectionProtocol = {
                let recorder = RecordingProtocol()
                let answers = made.entries.count.isMultiple(of: 4)
                made.append(1)
                recorder.onShutdownRequested = { answers ? .close : .whenDone }
                recorder.onLost = { _ in lost.append(1) }
                return recorder
            }
            let servers = [
                try await group.createServer(loopback, protocolFactory: factory),
                try await group.createServer(loopback, protocolFactory: factory),
            ]
            var peers: [RawPeer] = []
            for number in 0..<20 {
                peers.append(try RawPeer(connectedTo: try #require(servers[number % 2].port)))
                // One after the other, so that every fourth is told apart.
                try await eventually { made.entries.count == number + 1 }
            }
            let summary = await group.shutdownGracefully(timeout: .zero)
            #expect(summary == ShutdownSummary(drained: 5, aborted: 15))
            #expect(lost.entries.count == 20)
            #expect(group.isShutDown)
            for peer in peers {
                peer.waitUntilOver()
                #expect(peer.isOver)
            }
            for loop in group.loops {
                #expect(throws: EventLoopError.closed) { try loop.callSoonThreadSafe {} }
            }
            #expect(await group.shutdownGracefully(timeout: .zero) == ShutdownSummary())
        }
    }
}
