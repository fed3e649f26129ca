#if ServiceLifecycle
    import Logging
    import ProactorServiceLifecycle
    import ServiceContextModule
    import ServiceLifecycle
    import Testing

    @testable import Proactor

    /// What tracing and logging carry with a task is there in what the task schedules, on each loop.
    @Suite struct ServiceContextTests {
        private enum Trace: ServiceContextKey {
            typealias Value = String
        }

        private static func context(_ trace: String) -> ServiceContext {
            var context = ServiceContext.topLevel
            context[Trace.self] = trace
            return context
        }

        /// As a logger has it that writes down to what request a line belongs.
        private static let provider = Logger.MetadataProvider {
            ServiceContext.current?[Trace.self].map { ["trace": "\($0)"] } ?? [:]
        }

        /// Who has seen which metadata.
        private struct Seen: Sendable {
            private let entries = Record<[String: String]>()

            func note(_ who: String) {
                entries.append([who: provider.get()["trace"].map { "\($0)" } ?? "none"])
            }

            var all: [String: String] { entries.entries.reduce(into: [:]) { $0.merge($1) { $1 } } }
        }

        /// All that a task may schedule.
        private static func scheduleAll(_ loop: any AbstractEventLoop, _ seen: Seen) throws {
            seen.note("the task")
            try loop.callSoon { seen.note("callSoon") }
            try loop.callLater(.zero) { seen.note("callLater") }
            try loop.callSoonThreadSafe { seen.note("callSoonThreadSafe") }
            loop.createTask { seen.note("createTask") }
        }

        private static let scheduled: Set<String> = [
            "the task", "callSoon", "callLater", "callSoonThreadSafe", "createTask",
        ]

        @Test(arguments: LoopKind.allCases)
        func aRequestsContextReachesWhatItsHandlerSchedules(kind: LoopKind) async throws {
            let (seen, port) = (Seen(), FirstValue<UInt16>())
            let service = EventLoopService(grace: .zero, makeLoop: { try kind.makeLoop() }) {
                let loop = try getRunningLoop()
                let server = try await loop.startServer(host: "127.0.0.1", port: 0) { _, writer in
                    try await ServiceContext.withValue(Self.context("of the request")) {
                        try Self.scheduleAll(loop, seen)
                        try await sleep(for: .milliseconds(1))
                        seen.note("after a wait")
                    }
                    writer.close()
                }
                port.set(try #require(try server.sockets.first?.localAddress().port))
                try await server.serveForever()
            }
            let running = RunningServices(service, whenOneEnds: .gracefullyShutdownGroup)
            let peer = try RawPeer(connectedTo: try await port.get())
            try await eventually { seen.all.count == Self.scheduled.count + 1 }
            #expect(seen.all.values.allSatisfy { $0 == "of the request" }, "\(seen.all)")
            peer.close()
            try await running.shutDownGracefully()
        }

        @Test(arguments: LoopKind.allCases)
        func aServicesContextReachesItsMain(kind: LoopKind) async throws {
            let seen = Seen()
            let service = EventLoopService(grace: .zero, makeLoop: { try kind.makeLoop() }) {
                try Self.scheduleAll(try getRunningLoop(), seen)
                try await sleep(for: .seconds(3600))
            }
            let running = ServiceContext.withValue(Self.context("of the service")) {
                RunningServices(service, whenOneEnds: .gracefullyShutdownGroup)
            }
            try await eventually { seen.all.count == Self.scheduled.count }
            #expect(seen.all.values.allSatisfy { $0 == "of the service" }, "\(seen.all)")
            try await running.shutDownGracefully()
        }

        /// From whoever runs the service, to each connection of the server that it makes, and what serves that.
        @Test(arguments: LoopKind.allCases, [ConnectionSpreading.byKernel, .leastBusy])
        func aServicesContextReachesItsServersConnections(
            kind: LoopKind,
            spreading: ConnectionSpreading
        ) async throws {
            try await kind.withGroup { group in
                let seen = Record<String>()
                let port = FirstValue<UInt16>()
                let service = EventLoopGroupServerService(
                    on: group,
                    ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0)),
                    spreading: spreading,
                    grace: .seconds(10),
                    whenServing: { $0.port.map(port.set) }
                ) {
                    StreamReaderProtocol(try StreamReader()) { reader, writer in
                        _ = try await reader.readLine()
                        seen.append(Self.provider.get()["trace"].map { "\($0)" } ?? "none")
                        writer.close()
                    }
                }
                let running = ServiceContext.withValue(Self.context("of the service")) {
                    RunningServices(service)
                }
                let number = try await port.get()
                let peers = try (0..<4).map { _ in try RawPeer(connectedTo: number) }
                for peer in peers { peer.write("\n") }
                try await eventually { seen.entries.count == peers.count }
                #expect(seen.entries.allSatisfy { $0 == "of the service" }, "\(seen.entries)")
                try await running.shutDownGracefully()
            }
        }
    }
#endif
