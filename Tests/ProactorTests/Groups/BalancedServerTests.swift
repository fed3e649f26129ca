import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A group's server that hands each connection to the loop that is least busy.
@Suite struct BalancedServerTests {
    private let loopback = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))

    /// Runs `body` with a group of loops whose clocks stand still.
    private func withStoppedGroup(
        _ kind: LoopKind,
        loopCount: Int,
        _ body: (EventLoopGroup) async throws -> Void
    ) async throws {
        LogCapture.install()
        var options = EventLoopGroupOptions(loopCount: loopCount)
        options.makeLoop = { _ in
            let (loop, backend) = try kind.makeFaultyLoop()
            backend.stopClock()
            return loop
        }
        let group = try EventLoopGroup(options)
        do { try await body(group) } catch {
            await group.shutdownGracefully(timeout: .zero)
            throw error
        }
        // Nothing has to wait for a clock that stands.
        await group.shutdownGracefully(timeout: .zero)
    }

    private func connect(_ count: Int, to server: EventLoopGroupServer) throws -> [RawPeer] {
        let port = try #require(server.port)
        return try (0..<count).map { _ in try RawPeer(connectedTo: port) }
    }

    /// How many connections each loop has.
    private func connections(of group: EventLoopGroup) async throws -> [Int] {
        try await group.runOnEach { ($0 as? BaseEventLoop)?.openTransports.count ?? -1 }
    }

    /// Puts all clocks forward while the loops sleep, but for those that are held up.
    private func pass(_ duration: Duration, on group: EventLoopGroup, heldUp: Set<Int> = []) async throws {
        try await eventually {
            group.members.indices.allSatisfy { index in
                heldUp.contains(index) || group.members[index].observer?.load?.isAsleep == true
            }
        }
        for loop in group.members { (loop.backend as? FaultyBackend)?.advanceClock(by: duration) }
    }

    private func echoes(_ peers: some Collection<RawPeer>, _ text: String = "?") async throws {
        for peer in peers { peer.write(text) }
        try await eventually {
            for peer in peers { peer.read() }
            return peers.allSatisfy { $0.text.hasSuffix(text) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func idleLoopsHaveAsManyConnectionsEach(kind: LoopKind) async throws {
        try await withStoppedGroup(kind, loopCount: 3) { group in
            let threads = Record<UInt64>()
            let server = try await group.createServer(loopback, spreading: .leastBusy) {
                threads.append(ThreadFacts.current.number)
                return RecordingProtocol.echo()
            }
            let peers = try connect(60, to: server)
            try await echoes(peers)
            #expect(try await connections(of: group) == [20, 20, 20])
            // Each has its protocol on its loop's thread.
            #expect(Set(threads.entries).count == 3)
            // Where connections end there is room for more.
            try await group.runOnEach { loop in
                guard loop === group.members[1], let loop = loop as? BaseEventLoop else { return }
                for transport in loop.openTransports.members { transport.abort() }
            }
            try await eventually { try await connections(of: group) == [20, 0, 20] }
            let more = try connect(26, to: server)
            try await echoes(more)
            #expect(try await connections(of: group) == [22, 22, 22])
            server.close()
            server.closeClients()
            try await server.waitClosed()
            // Nobody keeps account of the loops any more.
            let observed = try await group.runOnEach { ($0 as? BaseEventLoop)?.observer != nil }
            #expect(observed == [false, false, false])
            for peer in peers + more { peer.close() }
        }
    }

    /// The load is skewed: one loop is held up by a callback, and the number of its connections says nothing of that.
    @Test(arguments: LoopKind.allCases)
    func aLoopThatIsHeldUpGetsNone(kind: LoopKind) async throws {
        try await withStoppedGroup(kind, loopCount: 3) { group in
            let server = try await group.createServer(loopback, spreading: .leastBusy) {
                RecordingProtocol.echo()
            }
            let first = try connect(3, to: server)
            try await echoes(first)
            let hold = try await HeldLoop(group.members[1])
            try await pass(.seconds(1), on: group, heldUp: [1])
            let others = try connect(40, to: server)
            // All are served, as none waits for the loop that is held up.
            try await echoes(others)
            hold.letGo()
            let counts = try await connections(of: group)
            #expect(counts == [21, 1, 21])
            // Free again, it gets what the others have more.
            try await pass(.seconds(1), on: group)
            let last = try connect(20, to: server)
            try await echoes(last)
            #expect(try await connections(of: group) == [21, 21, 21])
            for peer in first + others + last { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theBoundHoldsOnEachLoop(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            var options = loopback
            options.maxConnections = 2
            let server = try await group.createServer(options, spreading: .leastBusy) {
                RecordingProtocol.echo()
            }
            let peers = try connect(9, to: server)
            try await echoes(peers[..<4])
            #expect(try await connections(of: group) == [2, 2])
            // Those that wait have their turn, whichever loop has room.
            for number in 0..<5 {
                peers[number].close()
                try await echoes(peers[(number + 4)...(number + 4)])
                #expect(try await connections(of: group).allSatisfy { $0 <= 2 })
            }
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func pausesAndFactoriesThatFailLeaveTheCountsRight(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            try await group.runOnEach { $0.setExceptionHandler { _, _ in } }
            let calls = Record<Int>()
            var options = loopback
            options.maxConnections = 3
            let server = try await group.createServer(options, spreading: .leastBusy) {
                calls.append(1)
                if calls.entries.count <= 8 { throw TestError(number: 1) }
                return RecordingProtocol.echo()
            }
            let failed = try connect(8, to: server)
            for peer in failed { peer.waitUntilOver() }
            server.pauseAccepting()
            _ = try await group.runOnEach { _ in 0 }
            let peers = try connect(6, to: server)
            #expect(try await connections(of: group) == [0, 0])
            server.resumeAccepting()
            try await echoes(peers)
            #expect(try await connections(of: group) == [3, 3])
            let summary = Task { await server.shutdownGracefully(timeout: .zero) }
            #expect(await summary.value == ShutdownSummary(aborted: 6))
            for peer in peers { peer.waitUntilOver() }
        }
    }

    /// What the kernel cannot spread: Unix sockets, and a socket of the program's own.
    @Test(arguments: LoopKind.allCases, [false, true])
    func anyKindOfAddressIsSpread(kind: LoopKind, isGiven: Bool) async throws {
        try await kind.withGroup { group in
            let folder = try SocketFolder()
            let path = folder.path("balanced")
            var options = ServerOptions(.unix(.unix(path: path)))
            if isGiven {
                let system = LinuxSystemCalls(nonBlocking: false)
                let socket = try system.makeSocket(.unix, .stream, protocolNumber: 0)
                try system.bind(socket, to: .unix(path: path))
                options = ServerOptions(.socket(socket))
            }
            let server = try await group.createServer(options, spreading: .leastBusy) {
                RecordingProtocol.echo()
            }
            #expect(server.addresses == [.unix(path: path)])
            let clients = try await group.runOnEach { loop in
                try await loop.withUnixConnection(path: path) { reader, writer in
                    writer.write("hello\n")
                    return text(try await reader.readLine())
                }
            }
            #expect(clients == ["hello\n", "hello\n"])
        }
    }

    /// A connection that is on its way to a loop that ends is closed, not forgotten.
    @Test(arguments: LoopKind.allCases)
    func aGroupThatEndsForgetsNobody(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let made = Record<Int>()
            var options = loopback
            options.maxConnections = 1
            let server = try await group.createServer(options, spreading: .leastBusy) {
                made.append(1)
                return RecordingProtocol.echo()
            }
            let hold = try await HeldLoop(group.members[1])
            let peers = try connect(2, to: server)
            // The second is on its way to the loop that is held up.
            try await eventually { made.entries.count == 1 && !group.members[1].inbox.isEmpty }
            group.shutdown()
            hold.letGo()
            for peer in peers { peer.waitUntilOver() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func connectionsGoBetweenLoopsOfDifferentKinds(kind: LoopKind) async throws {
        LogCapture.install()
        for mixed in [[kind, .epoll], [.epoll, kind]] {
            var options = EventLoopGroupOptions(loopCount: 2)
            options.makeLoop = { try mixed[$0].makeLoop() }
            let group = try EventLoopGroup(options)
            let server = try await group.createServer(loopback, spreading: .leastBusy) {
                RecordingProtocol.echo()
            }
            let peers = try connect(8, to: server)
            for round in 1...3 { try await echoes(peers, "\(round)") }
            await group.shutdownGracefully(timeout: .zero)
            for peer in peers { peer.waitUntilOver() }
        }
    }
}

/// A loop that a callback holds up.
private final class HeldLoop: Sendable {
    private let isHeldUp = ConditionLock(true)
    private let began = Record<Int>()

    init(_ loop: BaseEventLoop) async throws {
        try loop.callSoonThreadSafe { [isHeldUp, began] in
            began.append(1)
            _ = isHeldUp.waitFor(timeout: .seconds(600)) { $0 ? nil : true }
        }
        try await eventually { began.entries == [1] }
    }

    func letGo() {
        isHeldUp.withLock { $0 = false }
        isHeldUp.wakeAll()
    }
}
