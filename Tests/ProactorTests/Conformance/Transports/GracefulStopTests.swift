import SystemPackage
import Testing

@testable import Proactor

@Suite struct GracefulStopTests {
    /// A server's protocols, in the order of their connections.
    private final class Protocols {
        var all: [RecordingProtocol] = []

        subscript(number: Int) -> RecordingProtocol { all[number] }
        var lostCount: Int { all.reduce(0) { $0 + $1.lostCount } }
    }

    /// A server with `count` connections, one for each peer, in the same order.
    private func serve(
        on loop: BaseEventLoop,
        connections count: Int,
        configure: @escaping (Int, RecordingProtocol) -> Void = { _, _ in }
    ) throws -> (server: Server, protocols: Protocols, peers: [RawPeer]) {
        let protocols = Protocols()
        let server = try loop.serve {
            let recorder = RecordingProtocol()
            configure(protocols.all.count, recorder)
            protocols.all.append(recorder)
            return recorder
        }
        var peers: [RawPeer] = []
        for number in 0..<count {
            peers.append(try RawPeer(connectedTo: server.port))
            try loop.turn(until: { protocols.all.count == number + 1 })
        }
        return (server, protocols, peers)
    }

    @Test(arguments: LoopKind.allCases)
    func protocolsSayWhatBecomesOfTheirConnections(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (server, protocols, peers) = try serve(on: loop, connections: 6) { number, recorder in
                switch number {
                case 0:
                    // It has much to send, and nothing to do.
                    recorder.onMade = { $0.write(patternBytes(5 << 20)) }
                    recorder.onShutdownRequested = { .close }
                case 1: recorder.onShutdownRequested = { .whenDone }
                case 5: recorder.onShutdownRequested = { throw TestError(number: 5) }
                default: break
                }
            }
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            // 2 is unused, 3 has received, 4 has sent.
            peers[3].write("?")
            protocols[4].transport?.write("!")
            try loop.turn(until: {
                peers[4].read()
                return protocols[3].text == "?" && peers[4].text == "!"
            })
            let port = try server.port
            let task = loop.createTask { await server.shutdownGracefully(timeout: .seconds(3600)) }
            try loop.turn(until: { protocols[2].lostCount == 1 && protocols[5].lostCount == 1 })
            #expect(protocols.all.allSatisfy { $0.shutdownRequests == 1 })
            #expect(protocols[2].lostError == nil)
            #expect(protocols[5].lostError as? TestError == TestError(number: 5))
            #expect(reported.count == 1)
            loop.setExceptionHandler(nil)
            try loop.settle()
            #expect(try RawPeer.refuses(port: port))
            #expect([0, 1, 3, 4].allSatisfy { protocols[$0].lostCount == 0 } && !task.done)
            // What is busy goes on as long as it needs.
            protocols[1].transport?.write("done")
            protocols[1].transport?.close()
            for number in [3, 4] { peers[number].finish() }
            try loop.turn(until: {
                peers[0].read()
                return task.done
            })
            #expect(try task.result() == ShutdownSummary(drained: 6))
            for peer in peers { peer.waitUntilOver() }
            #expect(peers[0].received == patternBytes(5 << 20))
            #expect(peers[1].text == "done")
            reported = []
        }
    }

    @Test(arguments: LoopKind.allCases)
    func atTheDeadlineTheRestIsAborted(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let (server, protocols, peers) = try serve(on: loop, connections: 4) { number, recorder in
                recorder.onShutdownRequested = { number < 2 ? .whenDone : .close }
                // Its peer does not read: it cannot be flushed.
                if number == 2 {
                    recorder.onMade = { $0.writeLines([patternBytes(5 << 20), patternBytes(5 << 20)]) }
                }
            }
            let task = loop.createTask { await server.shutdownGracefully(timeout: .seconds(1000)) }
            try loop.turn(until: { protocols[3].lostCount == 1 })
            backend.advanceClock(by: .seconds(900))
            try loop.settle()
            #expect(!task.done && protocols.lostCount == 1)
            backend.advanceClock(by: .seconds(100))
            try loop.turn(until: { task.done })
            #expect(protocols.all.allSatisfy { $0.lostCount == 1 && $0.lostError == nil })
            #expect(try task.result() == ShutdownSummary(drained: 1, aborted: 3))
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func cancellingCutsTheTimeShort(kind: LoopKind, before: Bool) async throws {
        try await kind.withLoop { loop in
            let (server, protocols, peers) = try serve(on: loop, connections: 3) { _, recorder in
                recorder.onShutdownRequested = { .whenDone }
            }
            let task = loop.createTask {
                if before { withUnsafeCurrentTask { $0?.cancel() } }
                return await server.shutdownGracefully(timeout: .seconds(3600))
            }
            if !before {
                try loop.turn(until: { !server.isServing })
                try loop.settle()
                #expect(!task.done && protocols.lostCount == 0)
                task.cancel()
            }
            try loop.turn(until: { task.done })
            #expect(try task.result() == ShutdownSummary(aborted: 3))
            #expect(protocols.lostCount == 3)
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func twoStopsOfOneServerBothEnd(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let (server, protocols, peers) = try serve(on: loop, connections: 2) { _, recorder in
                recorder.onShutdownRequested = { .whenDone }
            }
            let long = loop.createTask { await server.shutdownGracefully(timeout: .seconds(60)) }
            let short = loop.createTask { await server.shutdownGracefully(timeout: .seconds(6)) }
            try loop.turn(until: { protocols.all.allSatisfy { $0.shutdownRequests == 2 } })
            backend.advanceClock(by: .seconds(6))
            try loop.turn(until: { long.done && short.done })
            #expect(try short.result() == ShutdownSummary(aborted: 2))
            // To the other one they ended before its own deadline.
            #expect(try long.result() == ShutdownSummary(drained: 2))
            #expect(
                try loop.run { await server.shutdownGracefully(timeout: .seconds(1)) } == ShutdownSummary()
            )
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopStopsAllItsServersAndLeavesItsOwnConnections(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            #expect(try loop.run { try await loop.shutdownServers(timeout: .zero) } == ShutdownSummary())
            let (first, firstProtocols, firstPeers) = try serve(on: loop, connections: 2) { _, recorder in
                recorder.onShutdownRequested = { .close }
            }
            let (second, secondProtocols, secondPeers) = try serve(on: loop, connections: 3) { _, recorder in
                recorder.onShutdownRequested = { .whenDone }
            }
            // Closed already, with a connection that lives on.
            let (third, thirdProtocols, thirdPeers) = try serve(on: loop, connections: 1)
            third.close()
            let own = RecordingProtocol.echo()
            let (transport, peer) = try loop.connect(own)
            let task = loop.createTask { try await loop.shutdownServers(timeout: .seconds(5)) }
            try loop.turn(until: { firstProtocols.lostCount == 2 && thirdProtocols.lostCount == 1 })
            #expect(!first.isServing && !second.isServing && !task.done)
            backend.advanceClock(by: .seconds(5))
            try loop.turn(until: { task.done })
            #expect(try task.result() == ShutdownSummary(drained: 3, aborted: 3))
            #expect(secondProtocols.lostCount == 3)
            peer.write("alive")
            try loop.turn(until: {
                peer.read()
                return peer.text == "alive"
            })
            for peer in firstPeers + secondPeers + thirdPeers { peer.close() }
            try loop.finish(transport, peer)
            try loop.close()
            #expect(throws: EventLoopError.closed) {
                try kind.makeLoop().runUntilComplete { try await loop.shutdownServers(timeout: .zero) }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aBufferedConnectionThatHasReceivedIsLeftAlone(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingBufferedProtocol()
            let server = try loop.serve { recorder }
            let peer = try RawPeer(connectedTo: server.port)
            peer.write("?")
            try loop.turn(until: { recorder.text == "?" })
            let task = loop.createTask { await server.shutdownGracefully(timeout: .seconds(3600)) }
            try loop.turn(until: { !server.isServing })
            try loop.settle()
            #expect(recorder.lostErrors.isEmpty && !task.done)
            peer.close()
            #expect(try loop.runUntilComplete(task) == ShutdownSummary(drained: 1))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aConnectionThatIsLostAlreadyDoesNotCount(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let (server, protocols, peers) = try serve(on: loop, connections: 1)
            try loop.settle(turns: 3)
            // Its receive goes on, and with it the transport.
            backend.losesCancels = true
            protocols[0].transport?.abort()
            try loop.turn(until: { protocols.lostCount == 1 })
            try loop.settle(turns: 3)
            backend.losesCancels = false
            #expect(loop.openTransports.count == 1)
            let summary = try loop.run { await server.shutdownGracefully(timeout: .seconds(1000)) }
            #expect(summary == ShutdownSummary())
            peers[0].close()
        }
    }

    // Behaviour 17
    @Test(arguments: LoopKind.allCases)
    func aPeerThatTakesNothingHoldsACancelledServeForeverUpForThirtySeconds(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let accepted = RecordingProtocol()
            accepted.onMade = { $0.writeLines([patternBytes(5 << 20), patternBytes(5 << 20)]) }
            let server = try loop.serve(startServing: false) { accepted }
            let task = loop.createTask { try await server.serveForever() }
            try loop.turn(until: { server.isServing })
            let peer = try RawPeer(connectedTo: server.port)
            try loop.turn(until: { accepted.events.first == .made })
            task.cancel()
            try loop.turn(until: { !server.isServing })
            try loop.settle()
            backend.advanceClock(by: .seconds(15))
            try loop.settle()
            #expect(!task.done && accepted.lostCount == 0)
            backend.advanceClock(by: .seconds(15))
            try loop.turn(until: { task.done })
            #expect(accepted.lostCount == 1)
            #expect(throws: CancellationError.self) { try task.result() }
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func timeThatIsNotNeededLeavesNoTimer(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (server, protocols, peers) = try serve(on: loop, connections: 1)
            let summary = try loop.run { await server.shutdownGracefully(timeout: .seconds(1000)) }
            #expect(summary.drained == 1 && protocols.lostCount == 1)
            #expect(loop.timers.count == 0)
            peers[0].close()
        }
    }
}
