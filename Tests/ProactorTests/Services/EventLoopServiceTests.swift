#if ServiceLifecycle
    import Logging
    import ProactorServiceLifecycle
    import ServiceContextModule
    import ServiceLifecycle
    import SystemPackage
    import Testing

    @testable import Proactor

    /// A whole loop as a service.
    @Suite struct EventLoopServiceTests {
        /// A service that serves, cleans up, and says whether it could.
        private func server(
            _ kind: LoopKind,
            grace: Duration,
            _ port: FirstValue<UInt16>,
            _ connections: BusyConnections,
            _ cleanedUp: Record<Bool>
        ) -> EventLoopService {
            EventLoopService(grace: grace, makeLoop: { try kind.makeLoop() }) {
                let loop = try getRunningLoop()
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) {
                    connections.makeProtocol()
                }
                port.set(try #require(try server.sockets.first?.localAddress().port))
                try await server.serveForever()
                try? await sleep(for: .milliseconds(1))
                cleanedUp.append(!Task.isCancelled)
            }
        }

        @Test(arguments: LoopKind.allCases)
        func aGracefulShutdownStopsTheServersAndLetsMainCleanUp(kind: LoopKind) async throws {
            let (port, connections, cleanedUp) = (FirstValue<UInt16>(), BusyConnections(), Record<Bool>())
            let running = RunningServices(
                server(kind, grace: .seconds(3600), port, connections, cleanedUp),
                whenOneEnds: .gracefullyShutdownGroup
            )
            let peer = try RawPeer(connectedTo: try await port.get())
            try await connections.waitUntilMade(1)
            await running.services.triggerGracefulShutdown()
            try await connections.waitUntilAsked(1)
            #expect(cleanedUp.entries.isEmpty)
            peer.close()
            try await running.running.value
            #expect(cleanedUp.entries == [true])
        }

        @Test(arguments: LoopKind.allCases)
        func cancellingEndsMainAtOnce(kind: LoopKind) async throws {
            let (port, connections, cleanedUp) = (FirstValue<UInt16>(), BusyConnections(), Record<Bool>())
            let service = server(kind, grace: .seconds(3600), port, connections, cleanedUp)
            let running = Task { try await service.run() }
            let peer = try RawPeer(connectedTo: try await port.get())
            try await connections.waitUntilMade(1)
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
            #expect(cleanedUp.entries.isEmpty)
            peer.close()
        }

        @Test(arguments: LoopKind.allCases)
        func aMainWithoutServersIsCancelledByTheShutdown(kind: LoopKind) async throws {
            let (begun, ended) = (FirstValue<Bool>(), Record<Bool>())
            let service = EventLoopService(grace: .seconds(3600), makeLoop: { try kind.makeLoop() }) {
                begun.set(true)
                do { try await sleep(for: .seconds(3600)) } catch {
                    ended.append(error is CancellationError)
                    throw error
                }
            }
            let running = RunningServices(service, whenOneEnds: .gracefullyShutdownGroup)
            _ = try await begun.get()
            try await running.shutDownGracefully()
            #expect(ended.entries == [true])
        }

        @Test(arguments: LoopKind.allCases)
        func mainHearsOfTheShutdownWhereverItsContextIs(kind: LoopKind) async throws {
            let (begun, heard) = (FirstValue<Bool>(), FirstValue<String>())
            let service = EventLoopService(grace: .seconds(3600), makeLoop: { try kind.makeLoop() }) {
                let loop = try getRunningLoop()
                let task = loop.createTask {
                    await withGracefulShutdownHandler {
                        begun.set(true)
                        try? await sleep(for: .seconds(3600))
                    } onGracefulShutdown: {
                        heard.set("a task")
                    }
                }
                try await task.value()
            }
            let running = RunningServices(service, whenOneEnds: .gracefullyShutdownGroup)
            _ = try await begun.get()
            try await running.shutDownGracefully()
            #expect(try await heard.get() == "a task")
        }

        @Test(arguments: LoopKind.allCases)
        func whatMainThrowsEndsTheServices(kind: LoopKind) async throws {
            let failing = EventLoopService(grace: .zero, makeLoop: { try kind.makeLoop() }) {
                throw SocketError(.bind, .addressInUse)
            }
            let running = RunningServices(failing)
            await #expect(throws: SocketError.self) { try await running.running.value }
        }

        /// Such as when it cannot clean up.
        @Test(arguments: LoopKind.allCases, [false, true])
        func whatMainThrowsAfterItsCancelIsNotLost(kind: LoopKind, isGraceful: Bool) async throws {
            let begun = FirstValue<Bool>()
            let service = EventLoopService(grace: .zero, makeLoop: { try kind.makeLoop() }) {
                begun.set(true)
                try? await sleep(for: .seconds(3600))
                // Whoever waited for it has been told of the cancel by now.
                for _ in 0..<10 { await Task.yield() }
                throw SocketError(.send, .brokenPipe)
            }
            guard isGraceful else {
                let running = Task { try await service.run() }
                _ = try await begun.get()
                running.cancel()
                await #expect(throws: SocketError.self) { try await running.value }
                return
            }
            let running = RunningServices(service)
            _ = try await begun.get()
            await #expect(throws: SocketError.self) { try await running.shutDownGracefully() }
        }

        @Test func aLoopThatCannotBeMadeEndsTheServices() async throws {
            let service = EventLoopService(grace: .zero, makeLoop: { throw EventLoopError.closed }) {}
            let running = RunningServices(service)
            await #expect(throws: EventLoopGroupError.self) { try await running.running.value }
        }
    }
#endif
