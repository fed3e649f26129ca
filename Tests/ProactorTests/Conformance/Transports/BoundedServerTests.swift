import SystemPackage
import Testing

@testable import Proactor

/// Servers that accept no more for a while: by their bound, or as they were told.
@Suite struct BoundedServerTests {
    /// A server's protocols, in the order of their connections.
    private final class Protocols {
        var all: [RecordingProtocol] = []
        var onMade: ((any Transport) throws -> Void)?

        func make() -> RecordingProtocol {
            let recorder = RecordingProtocol.echo()
            recorder.onMade = onMade
            all.append(recorder)
            return recorder
        }
    }

    private func serve(
        on loop: BaseEventLoop,
        atMost maxConnections: Int? = nil
    ) throws -> (server: Server, protocols: Protocols) {
        var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
        options.maxConnections = maxConnections
        let protocols = Protocols()
        return (try loop.serve(options) { protocols.make() }, protocols)
    }

    private func connect(_ count: Int, to server: Server) throws -> [RawPeer] {
        let port = try #require(try server.sockets[0].localAddress().port)
        return try (0..<count).map { _ in try RawPeer(connectedTo: port) }
    }

    private func echoes(_ peer: RawPeer, on loop: BaseEventLoop) throws {
        peer.write("?")
        try loop.turn(until: {
            peer.read()
            return peer.text == "?"
        })
    }

    @Test(arguments: LoopKind.allCases)
    func noMoreThanTheBoundAreTakenAndTheRestHaveTheirTurn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop, atMost: 3)
            #expect(server.maxConnections == 3)
            let peers = try connect(9, to: server)
            try loop.turn(until: { protocols.all.count == 3 })
            try loop.settle()
            #expect(protocols.all.count == 3)
            // The others are in the kernel and cost no descriptor.
            #expect(server.heldCount == 0)
            for number in 0..<6 {
                if number % 2 == 0 { peers[number].close() } else { protocols.all[number].transport?.abort() }
                try loop.turn(until: { protocols.all.count == number + 4 })
                try loop.settle()
                #expect(protocols.all.count == number + 4 && server.heldCount == 0)
                try echoes(peers[number + 3], on: loop)
            }
            // With room again it waits for the next.
            for peer in peers { peer.close() }
            try loop.turn(until: { protocols.all.allSatisfy { $0.lostCount == 1 } })
            let late = try connect(1, to: server)[0]
            try loop.turn(until: { protocols.all.count == 10 })
            try echoes(late, on: loop)
            late.close()
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    @Test(arguments: LoopKind.allCases, [nil, 30])
    func aTurnTakesAllForWhomThereIsRoom(kind: LoopKind, bound: Int?) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop, atMost: bound)
            let peers = try connect(40, to: server)
            let expected = bound ?? 40
            try loop.turn(until: { !protocols.all.isEmpty })
            #expect(protocols.all.count == expected && server.heldCount == 0)
            try loop.settle()
            #expect(protocols.all.count == expected && server.heldCount == 0)
            for peer in peers[..<expected] { try echoes(peer, on: loop) }
            // Room for many, made in one turn, is taken in one as well.
            for transport in protocols.all.compactMap(\.transport) { transport.abort() }
            try loop.turn(until: { protocols.all.count > expected || bound == nil })
            #expect(protocols.all.count == 40 && server.heldCount == 0)
            for peer in peers { peer.close() }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    /// More than a turn takes are taken by the next.
    @Test(arguments: LoopKind.allCases)
    func aFloodOfConnectionsDoesNotHoldUpTheRest(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop, atMost: 1000)
            let peers = try connect(150, to: server)
            var turnsOfOthers = 0
            func count() {
                turnsOfOthers += 1
                if protocols.all.count < 150 { _ = try? loop.callSoon { count() } }
            }
            try loop.callSoon { count() }
            try loop.turn(until: { protocols.all.count == 150 })
            #expect((3...20).contains(turnsOfOthers))
            try echoes(peers[149], on: loop)
            for peer in peers { peer.close() }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    /// In each of its ways: the one that is there is the last that the server gets.
    @Test(arguments: LoopKind.allCases, [1, 2, 7])
    func aCloseInTheMidstOfManyTakesNoMore(kind: LoopKind, last: Int) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop, atMost: 100)
            protocols.onMade = { [weak server] _ in
                if protocols.all.count == last { server?.close() }
            }
            let peers = try connect(12, to: server)
            try loop.turn(until: { protocols.all.count == last })
            try loop.settle()
            #expect(protocols.all.count == last)
            for peer in peers[..<last] { try echoes(peer, on: loop) }
            for peer in peers[last...] { peer.waitUntilOver() }
            for peer in peers { peer.close() }
            try loop.run { try await server.waitClosed() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aBoundCountsOverAllAddresses(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1", "127.0.0.2"], port: 0))
            options.maxConnections = 1
            let protocols = Protocols()
            let server = try loop.serve(options) { protocols.make() }
            let first = try connect(1, to: server)[0]
            try loop.turn(until: { protocols.all.count == 1 })
            let second = try connect(1, to: server)[0]
            try loop.settle()
            #expect(protocols.all.count == 1)
            first.close()
            try loop.turn(until: { protocols.all.count == 2 })
            try echoes(second, on: loop)
            second.close()
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func afterAFactoryThatFailsThereIsRoomAgain(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var (calls, reports) = (0, 0)
            loop.setExceptionHandler { _, _ in reports += 1 }
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            options.maxConnections = 1
            let last = RecordingProtocol.echo()
            let server = try loop.serve(options) {
                calls += 1
                if calls < 4 { throw TestError(number: calls) }
                return last
            }
            let peers = try connect(4, to: server)
            try loop.turn(until: { calls == 4 })
            #expect(reports == 3)
            try echoes(peers[3], on: loop)
            for peer in peers { peer.close() }
            server.close()
            try loop.run { try await server.waitClosed() }
            loop.setExceptionHandler(nil)
        }
    }

    @Test(arguments: LoopKind.allCases, [nil, 100])
    func aPauseInTheFirstOfManyKeepsTheOthersWaiting(kind: LoopKind, bound: Int?) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop, atMost: bound)
            protocols.onMade = { [weak server] _ in server?.pauseAccepting() }
            let peers = try connect(5, to: server)
            try loop.turn(until: { protocols.all.count == 1 })
            try loop.settle()
            #expect(protocols.all.count == 1 && server.isAcceptingPaused && server.isServing)
            // With a bound none is taken before the last has its protocol.
            if bound != nil { #expect(server.heldCount == 0) }
            // A connection that is there goes on.
            try echoes(peers[0], on: loop)
            protocols.onMade = nil
            server.resumeAccepting()
            server.resumeAccepting()
            try loop.turn(until: { protocols.all.count == 5 })
            for peer in peers[1...] { try echoes(peer, on: loop) }
            #expect(!server.isAcceptingPaused)
            for peer in peers { peer.close() }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func pausesAndResumesInOneTurnComeToTheLast(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop)
            server.pauseAccepting()
            server.resumeAccepting()
            server.pauseAccepting()
            let peers = try connect(2, to: server)
            try loop.settle()
            #expect(protocols.all.isEmpty)
            server.resumeAccepting()
            server.pauseAccepting()
            server.resumeAccepting()
            try loop.turn(until: { protocols.all.count == 2 })
            for peer in peers { peer.close() }
            server.close()
            server.resumeAccepting()
            server.pauseAccepting()
            try loop.run { try await server.waitClosed() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPausedServerMayBeStartedAndClosed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let protocols = Protocols()
            let server = try loop.serve(startServing: false) { protocols.make() }
            server.pauseAccepting()
            try server.startServing()
            let peers = try connect(3, to: server)
            try loop.settle()
            #expect(protocols.all.isEmpty)
            // One that was accepted and waits is closed as those are that the kernel has.
            protocols.onMade = { [weak server] _ in server?.pauseAccepting() }
            server.resumeAccepting()
            try loop.turn(until: { protocols.all.count == 1 })
            server.close()
            try loop.settle()
            for peer in peers[1...] { peer.waitUntilOver() }
            peers[0].close()
            try loop.run { try await server.waitClosed() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesEndsThoseWhoWait(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop)
            protocols.onMade = { [weak server] _ in server?.pauseAccepting() }
            let peers = try connect(3, to: server)
            try loop.turn(until: { protocols.all.count == 1 })
            try loop.settle()
            try loop.close()
            for peer in peers { peer.waitUntilOver() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aListenerThatRestsCanBePaused(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            var reports = 0
            loop.setExceptionHandler { _, _ in reports += 1 }
            backend.acceptFailures = [.tooManyOpenFiles]
            let (server, protocols) = try serve(on: loop)
            let peer = try connect(1, to: server)[0]
            try loop.turn(until: { reports == 1 })
            server.pauseAccepting()
            backend.advanceClock(by: .seconds(10))
            try loop.settle()
            #expect(protocols.all.isEmpty)
            server.resumeAccepting()
            try loop.turn(until: { protocols.all.count == 1 })
            loop.setExceptionHandler(nil)
            peer.close()
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aBoundIsAboveZero(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for bound in [0, -1] {
                let error = #expect(throws: EventLoopError.self) { _ = try serve(on: loop, atMost: bound) }
                #expect(error?.description.contains("maxConnections is above zero") == true)
            }
            try loop.settle()
        }
    }

    /// More than asyncio's hundred.
    @Test(arguments: LoopKind.allCases)
    func aBurstFindsRoomInTheBacklog(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (server, protocols) = try serve(on: loop)
            // The loop does not turn meanwhile.
            let peers = try connect(200, to: server)
            try loop.turn(until: { protocols.all.count == 200 })
            for peer in peers { peer.close() }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }
}
