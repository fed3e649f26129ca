#if ServiceLifecycle
    import ProactorServiceLifecycle
    import ServiceLifecycle
    import SystemPackage
    import Testing

    @testable import Proactor

    /// A group of loops and its server as services of one service group.
    @Suite struct EventLoopGroupServiceTests {
        private let loopback = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))

        /// A server of this kind, and what becomes of its connections.
        private struct Busy {
            let connections = BusyConnections()
            let serving = FirstValue<EventLoopGroupServer>()

            func service(of group: EventLoopGroup, _ options: ServerOptions, grace: Duration)
                -> EventLoopGroupServerService
            {
                let (connections, serving) = (connections, serving)
                return EventLoopGroupServerService(
                    on: group,
                    options,
                    grace: grace,
                    whenServing: { serving.set($0) }
                ) {
                    connections.makeProtocol()
                }
            }

            /// As many connections, taken in by the server.
            func connect(_ count: Int) async throws -> [RawPeer] {
                let port = try #require(try await serving.get().port)
                let peers = try (0..<count).map { _ in try RawPeer(connectedTo: port) }
                try await connections.waitUntilMade(count)
                return peers
            }
        }

        @Test(arguments: LoopKind.allCases)
        func aGracefulShutdownLetsConnectionsEndAndThenTheLoops(kind: LoopKind) async throws {
            try await kind.withGroup { group in
                let busy = Busy()
                let running = RunningServices(
                    EventLoopGroupService(group, grace: .seconds(3600)),
                    busy.service(of: group, loopback, grace: .seconds(3600))
                )
                let peers = try await busy.connect(4)
                await running.services.triggerGracefulShutdown()
                try await busy.connections.waitUntilAsked(4)
                #expect(busy.connections.lost.entries.isEmpty)
                #expect(!group.isShutDown)
                for peer in peers { peer.close() }
                try await running.running.value
                #expect(busy.connections.lost.entries.count == 4)
                #expect(group.isShutDown)
            }
        }

        @Test(arguments: LoopKind.allCases)
        func aGraceThatIsOverAbortsTheRest(kind: LoopKind) async throws {
            try await kind.withGroup { group in
                let busy = Busy()
                let running = RunningServices(busy.service(of: group, loopback, grace: .milliseconds(1)))
                let peers = try await busy.connect(2)
                try await running.shutDownGracefully()
                #expect(busy.connections.lost.entries.count == 2)
                #expect(!group.isShutDown)
                for peer in peers { peer.close() }
            }
        }

        @Test(arguments: LoopKind.allCases, [false, true])
        func cancellingCutsItShort(kind: LoopKind, isShuttingDown: Bool) async throws {
            try await kind.withGroup { group in
                let busy = Busy()
                let running = RunningServices(
                    EventLoopGroupService(group, grace: .seconds(3600)),
                    busy.service(of: group, loopback, grace: .seconds(3600))
                )
                let peers = try await busy.connect(2)
                if isShuttingDown {
                    await running.services.triggerGracefulShutdown()
                    try await busy.connections.waitUntilAsked(2)
                }
                running.running.cancel()
                // Whether a service group that was cancelled throws is its own matter.
                _ = await running.running.result
                #expect(busy.connections.lost.entries.count == 2)
                #expect(group.isShutDown)
                for peer in peers { peer.close() }
            }
        }

        @Test(arguments: LoopKind.allCases)
        func anErrorOfTheServerEndsTheServices(kind: LoopKind) async throws {
            try await kind.withGroup { group in
                let connections = BusyConnections()
                let taken = try await group.createServer(loopback, spreading: .leastBusy) {
                    connections.makeProtocol()
                }
                let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: try #require(taken.port)))
                let service = Busy().service(of: group, options, grace: .zero)
                let running = RunningServices(EventLoopGroupService(group, grace: .zero), service)
                await #expect(throws: SocketError.self) { try await running.running.value }
                #expect(group.isShutDown)
            }
        }

        @Test(arguments: LoopKind.allCases)
        func loopsThatSomebodyElseEndsEndTheServices(kind: LoopKind) async throws {
            try await kind.withGroup { group in
                let busy = Busy()
                let running = RunningServices(busy.service(of: group, loopback, grace: .seconds(3600)))
                _ = try await busy.serving.get()
                group.shutdown()
                let error = await #expect(throws: EventLoopError.self) { try await running.running.value }
                guard case .closed? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }

        @Test(arguments: LoopKind.allCases)
        func aServerThatListensAlreadyIsServedUntilItIsClosed(kind: LoopKind) async throws {
            try await kind.withGroup { group in
                let connections = BusyConnections()
                var options = loopback
                options.startServing = false
                let server = try await group.createServer(options) { connections.makeProtocol() }
                let running = RunningServices(
                    EventLoopGroupServerService(server, grace: .seconds(3600)),
                    whenOneEnds: .gracefullyShutdownGroup
                )
                try await eventually {
                    for part in server.servers where try await !part.run({ $0.isServing }) { return false }
                    return true
                }
                let peer = try RawPeer(connectedTo: try #require(server.port))
                try await connections.waitUntilMade(1)
                server.close()
                peer.close()
                try await running.running.value
                #expect(connections.asked.entries.isEmpty)
            }
        }

        @Test(arguments: LoopKind.allCases)
        func aGroupThatEndsByItselfEndsItsService(kind: LoopKind) async throws {
            try await kind.withGroup { group in
                let running = RunningServices(
                    EventLoopGroupService(group, grace: .seconds(3600)),
                    whenOneEnds: .gracefullyShutdownGroup
                )
                group.shutdown()
                try await running.running.value
            }
        }
    }
#endif
