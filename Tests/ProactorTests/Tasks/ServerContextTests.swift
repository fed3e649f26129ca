import Testing

@testable import Proactor

/// What a task carries that has a server serve is there where its connections are greeted, as in asyncio.
@Suite struct ServerContextTests {
    @TaskLocal static var value = 0
    @TaskLocal static var object: LifeCounter.Object?

    private static func loopback(_ tls: ScriptedTLS? = nil) -> ServerOptions {
        var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
        options.tls = tls.map { TLSOptions($0) }
        return options
    }

    /// Connects, and returns when the server has closed the connection.
    private static nonisolated(nonsending) func visit(
        _ server: Server,
        on loop: BaseEventLoop,
        tls: ScriptedTLS? = nil
    ) async throws {
        let (reader, writer) = try await loop.openConnection(
            host: "127.0.0.1",
            port: loop.port(of: server),
            tls: tls
        )
        _ = try await reader.readToEnd()
        writer.close()
        try await writer.waitClosed()
    }

    @Test(arguments: LoopKind.everywhere, [false, true])
    func aStreamsHandlerSeesTheValues(kind: LoopKind, isEncrypted: Bool) async throws {
        let tls = isEncrypted ? ScriptedTLS() : nil
        try await kind.withLoop { loop in
            var seen: [Int] = []
            var names: [String?] = []
            try loop.run {
                let server = try await Self.$value.withValue(7) {
                    try await loop.startServer(Self.loopback(tls)) { _, writer in
                        names.append(try currentTask()?.name)
                        seen.append(Self.value)
                        await Task.yield()
                        try await loop.createTask { seen.append(Self.value) }.value()
                        writer.close()
                    }
                }
                names.append(try currentTask()?.name)
                for _ in 0..<3 { try await Self.visit(server, on: loop, tls: tls) }
                server.close()
                try await server.waitClosed()
            }
            #expect(seen == [7, 7, 7, 7, 7, 7])
            // Each runs as a task of its own, and not as the one's that serves.
            #expect(Set(names).count == 4 && !names.contains(nil))
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func theyAreThoseOfTheMomentWhenItBeginsToServe(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var seen: [Int] = []
            try loop.run {
                var options = Self.loopback()
                options.startServing = false
                let server = try await Self.$value.withValue(1) {
                    try await loop.startServer(options) { _, writer in
                        seen.append(Self.value)
                        writer.close()
                    }
                }
                try Self.$value.withValue(2) { try server.startServing() }
                try Self.$value.withValue(3) { try server.startServing() }
                try await Self.visit(server, on: loop)
                Self.$value.withValue(4) { server.pauseAccepting() }
                let visit = loop.createTask { try await Self.visit(server, on: loop) }
                for _ in 0..<10 { await Task.yield() }
                Self.$value.withValue(5) { server.resumeAccepting() }
                try await visit.value()
                server.close()
                try await server.waitClosed()
            }
            #expect(seen == [2, 2])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whoServesOutsideOfATaskHasNone(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var seen: [Int] = []
            var options = Self.loopback()
            options.startServing = false
            let server = try loop.run {
                try await Self.$value.withValue(1) {
                    try await loop.startServer(options) { _, writer in
                        seen.append(Self.value)
                        writer.close()
                    }
                }
            }
            try server.startServing()
            try loop.run {
                try await Self.visit(server, on: loop)
                server.close()
                try await server.waitClosed()
            }
            #expect(seen == [0])
        }
    }

    @Test(arguments: LoopKind.allCases, [ConnectionSpreading.byKernel, .leastBusy])
    func theyReachEveryLoopOfAGroup(kind: LoopKind, spreading: ConnectionSpreading) async throws {
        let seen = Record<Int>()
        try await kind.withGroup { group in
            let server = try await Self.$value.withValue(7) {
                try await group.createServer(Self.loopback(), spreading: spreading) {
                    StreamReaderProtocol(try StreamReader()) { _, writer in
                        seen.append(Self.value)
                        writer.close()
                    }
                }
            }
            let port = try #require(server.port)
            let peers = try (0..<8).map { _ in try RawPeer(connectedTo: port) }
            try await eventually { seen.entries.count == peers.count }
            await server.shutdownGracefully(timeout: .seconds(10))
        }
        #expect(seen.entries == Array(repeating: 7, count: 8))
    }

    /// A client's own are there whether the connection is made at once or after a handshake.
    @Test(arguments: LoopKind.everywhere, [false, true])
    func aClientIsGreetedWithItsOwn(kind: LoopKind, isEncrypted: Bool) async throws {
        let tls = isEncrypted ? ScriptedTLS() : nil
        try await kind.withLoop { loop in
            var seen: [Int] = []
            try loop.run {
                let server = try await Self.$value.withValue(7) {
                    try await loop.createServer(Self.loopback(tls)) { Greeted { seen.append(Self.value) } }
                }
                let port = try loop.port(of: server)
                let (transport, _) = try await Self.$value.withValue(8) {
                    try await loop.createConnection(host: "127.0.0.1", port: port, tls: tls) {
                        Greeted { seen.append(Self.value) }
                    }
                }
                while seen.count < 2 { await Task.yield() }
                transport.abort()
                server.close()
                try await server.waitClosed()
            }
            #expect(seen.sorted() == [7, 8])
        }
    }

    // MARK: - Letting go

    @Test(arguments: LoopKind.everywhere)
    func theyAreKeptUntilTheLastConnectionIsLost(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            try loop.run {
                var transports: [any Transport] = []
                let server = try await Self.$object.withValue(lives.makeObject()) {
                    try await loop.createServer(Self.loopback()) { Greeted { transports.append($0) } }
                }
                let port = try loop.port(of: server)
                let (client, _) = try await loop.createConnection(host: "127.0.0.1", port: port) { Greeted() }
                while transports.isEmpty { await Task.yield() }
                server.close()
                for _ in 0..<10 { await Task.yield() }
                #expect(lives.alive == 1)
                client.abort()
                transports[0].abort()
                try await server.waitClosed()
                #expect(lives.alive == 0)
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aLoopThatClosesLetsGoOfThem(kind: LoopKind) async throws {
        let lives = LifeCounter()
        try await kind.withLoop { loop in
            try loop.run {
                for tls in [nil, ScriptedTLS()] {
                    var greeted = 0
                    let servers = try await Self.$object.withValue(lives.makeObject()) {
                        try await [
                            loop.createServer(Self.loopback(tls)) { Greeted { greeted += 1 } },
                            loop.createServer(Self.loopback(tls)) { Greeted { greeted += 1 } },
                        ]
                    }
                    for server in servers {
                        let port = try loop.port(of: server)
                        // Of TLS it says nothing: the handshake is never done.
                        _ = try await loop.createConnection(host: "127.0.0.1", port: port) { Greeted() }
                    }
                    while tls == nil, greeted < 2 { await Task.yield() }
                    while tls != nil, loop.openTransports.servers.count < 4 { await Task.yield() }
                    servers[0].close()
                }
            }
            #expect(lives.alive == 2)
            try loop.close()
        }
        #expect(lives.alive == 0)
    }

    @Test(arguments: LoopKind.allCases)
    func aGroupThatEndsLetsGoOfThem(kind: LoopKind) async throws {
        let lives = LifeCounter()
        try await kind.withGroup { group in
            for spreading in [ConnectionSpreading.byKernel, .leastBusy] {
                _ = try await Self.$object.withValue(lives.makeObject()) {
                    try await group.createServer(Self.loopback(), spreading: spreading) { Greeted() }
                }
            }
            #expect(lives.alive == 2)
            group.shutdown()
            try await group.waitUntilEnded()
        }
        #expect(lives.alive == 0)
    }

    @Test(arguments: LoopKind.everywhere)
    func aHandshakeThatFailsLetsGoOfThem(kind: LoopKind) async throws {
        let (good, bad) = (ScriptedTLS(), ScriptedTLS())
        bad.handshakeFailure = TLSError(.handshake, .certificateExpired, side: .server)
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            try loop.run {
                let server = try await Self.$object.withValue(lives.makeObject()) {
                    try await loop.createServer(Self.loopback(bad)) { Greeted() }
                }
                let port = try loop.port(of: server)
                await #expect(throws: (any Error).self) {
                    try await Self.$object.withValue(lives.makeObject()) {
                        _ = try await loop.createConnection(host: "127.0.0.1", port: port, tls: good) {
                            Greeted()
                        }
                    }
                }
                server.close()
                try await server.waitClosed()
            }
            try loop.turn { lives.alive == 0 }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aServerMayEndWithinTheCallThatGreets(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for throwsInFactory in [false, true] {
                let lives = LifeCounter()
                loop.setExceptionHandler { _, _ in }
                try loop.run {
                    var server: Server?
                    server = try await Self.$object.withValue(lives.makeObject()) {
                        try await loop.createServer(Self.loopback()) {
                            if throwsInFactory {
                                server?.close()
                                throw TestError(number: 1)
                            }
                            return Greeted { transport in
                                server?.close()
                                transport.abort()
                            }
                        }
                    }
                    let current = try #require(server)
                    try await Self.visit(current, on: loop)
                    try await current.waitClosed()
                    server = nil
                }
                try loop.turn { lives.alive == 0 }
            }
        }
    }

    // MARK: - The context itself

    @Test(arguments: LoopKind.everywhere)
    func aContextIsAppliedFromAnywhere(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var seen: [Int] = []
            let context = try loop.run { Self.$value.withValue(7) { CapturedContext(of: loop) } }
            context.run { seen.append(Self.value) }
            try loop.run {
                try Self.$value.withValue(9) {
                    context.run {
                        #expect((try? currentTask()) == nil)
                        context.run { seen.append(Self.value) }
                    }
                    seen.append(Self.value)
                    #expect(try currentTask() != nil)
                    // It is still within the task.
                    try loop.callSoon { seen.append(Self.value) }
                }
                try loop.callSoon { context.run { seen.append(Self.value) } }
                await Task.yield()
                await Task.yield()
            }
            context.run { context.end() }
            context.run { seen.append(Self.value) }
            context.end()
            #expect(seen == [7, 7, 9, 9, 7, 0])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aContextThatIsNeverAppliedLetsGo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let context = try loop.run {
                Self.$object.withValue(lives.makeObject()) { CapturedContext(of: loop) }
            }
            #expect(lives.alive == 1)
            context.end()
            #expect(lives.alive == 0)
        }
    }
}

private final class Greeted: StreamProtocol {
    private let whenMade: (any Transport) -> Void

    init(_ whenMade: @escaping (any Transport) -> Void) { self.whenMade = whenMade }
    convenience init(_ whenMade: @escaping () -> Void = {}) { self.init { (_: any Transport) in whenMade() } }

    func connectionMade(_ transport: any Transport) { whenMade(transport) }
    func dataReceived(_ data: RawSpan) {}
}
