import Hummingbird
import IntegrationOptions
import IntegrationTesting
import Logging
import NIOCore
import NIOPosix
import ProactorHummingbird
import ProactorNIO
import ServiceLifecycle
import Testing

/// How an application over swift-proactor's loops ends as a service of a service group.
@Suite struct ApplicationEndTests {
    /// An application with a request that is answered when the test says so.
    private struct Held {
        let gate = Gate()
        let listening = FirstValue<NIOCore.SocketAddress>()

        func application(on group: NIOProactorEventLoopGroup, path: String? = nil) -> some Service {
            let (gate, listening) = (gate, listening)
            let router = Router()
            router.get("wait") { _, _ in
                await gate.pass()
                return "done"
            }
            router.get("fail") { _, _ -> String in throw HeldError() }
            return ProactorApplication(
                router: router,
                configuration: ProactorServerConfiguration(
                    address: path.map { .unixDomainSocket(path: $0) } ?? .hostname(port: 0),
                    serverName: "held"
                ),
                group: group,
                whenRunning: { if let address = $0.first?.localAddress { listening.set(address) } },
                logger: Logger(label: "held") { _ in SwiftLogNoOpLogHandler() }
            )
        }
    }

    private struct HeldError: Error {}

    private func withServices(
        _ kind: LoopGroup,
        path: String? = nil,
        _ body: (Held, ServiceGroup, Task<Void, any Error>) async throws -> Void
    ) async throws {
        let group = try kind.makeProactorGroup(2)
        let held = Held()
        let services = ServiceGroup(
            services: [held.application(on: group, path: path)],
            logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await services.run() }
        do { try await body(held, services, running) } catch {
            running.cancel()
            held.gate.open()
            try await group.shutdownGracefully()
            throw error
        }
        _ = await running.result
        try await group.shutdownGracefully()
    }

    private func curl(_ address: NIOCore.SocketAddress, _ path: String, _ options: [String] = [])
        async throws -> Program.Output
    {
        let url = "http://localhost:\(address.port ?? 0)\(path)"
        return try await Program("curl", ["--silent", "--max-time", "60"] + options + [url]).run()
    }

    @Test(arguments: LoopGroup.proactors)
    func aGracefulShutdownAnswersWhatIsUnderWay(kind: LoopGroup) async throws {
        try await withServices(kind) { held, services, running in
            let address = try await held.listening.get()
            async let answer = curl(address, "/wait")
            await held.gate.arrival()
            await services.triggerGracefulShutdown()
            // Nobody is let in any more.
            while try await curl(address, "/fail").status == 0 {}
            held.gate.open()
            #expect(try await answer.text == "done")
            try await running.value
        }
    }

    @Test(arguments: LoopGroup.proactors)
    func idleConnectionsEndWithAGracefulShutdown(kind: LoopGroup) async throws {
        try await withServices(kind) { held, services, running in
            let client = try await idleConnection(to: held.listening.get())
            await services.triggerGracefulShutdown()
            try await running.value
            try await client.closeFuture.get()
        }
    }

    @Test(arguments: LoopGroup.proactors)
    func cancellingCutsItShort(kind: LoopGroup) async throws {
        try await withServices(kind) { held, services, running in
            let client = try await idleConnection(to: held.listening.get())
            await services.triggerGracefulShutdown()
            running.cancel()
            _ = await running.result
            try await client.closeFuture.get()
        }
    }

    @Test(arguments: LoopGroup.proactors)
    func aHandlersErrorIsAnAnswer(kind: LoopGroup) async throws {
        try await withServices(kind) { held, services, running in
            let address = try await held.listening.get()
            let answer = try await curl(address, "/fail", ["--include"])
            #expect(answer.text.hasPrefix("HTTP/1.1 500"))
            #expect(answer.text.lowercased().contains("\r\nserver: held\r\n"))
            await services.triggerGracefulShutdown()
            try await running.value
        }
    }

    @Test(arguments: LoopGroup.proactors)
    func aUnixSocketServesToo(kind: LoopGroup) async throws {
        let identity = try await TestCertificate()
        // Beside the files of the test.
        let path = identity.certificate + ".socket"
        try await withServices(kind, path: path) { held, services, running in
            _ = try await held.listening.get()
            held.gate.open()
            let answer = try await Program(
                "curl",
                ["--silent", "--unix-socket", path, "http://localhost/wait"]
            ).run()
            #expect(answer.text == "done")
            await services.triggerGracefulShutdown()
            try await running.value
        }
    }

    /// A connection that has had its answer, and is kept.
    private func idleConnection(to address: NIOCore.SocketAddress) async throws -> any Channel {
        let answered = FirstValue<Bool>()
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(AnswerHandler(answered)) }
            .connect(to: address).get()
        try await client.writeAndFlush(
            ByteBuffer(string: "GET /fail HTTP/1.1\r\nhost: localhost\r\n\r\n")
        )
        _ = try await answered.get()
        return client
    }
}

/// Says that something has come.
private final class AnswerHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let answered: FirstValue<Bool>

    init(_ answered: FirstValue<Bool>) { self.answered = answered }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { answered.set(true) }
}
