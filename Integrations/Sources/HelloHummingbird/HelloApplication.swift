import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import IntegrationOptions
import Logging
import NIOCore
import NIOPosix
import ProactorHummingbird
import ProactorNIO
import UnixSignals

/// A Hummingbird application that runs over SwiftNIO's loops or over swift-proactor's: the router is the same.
public struct HelloApplication: Sendable {
    /// Called once with the port when connections are accepted.
    public typealias ListeningHandler = @Sendable (_ port: Int) -> Void

    private let options: ServerOptions
    private let whenListening: ListeningHandler
    private let logger: Logger

    public init(_ options: ServerOptions, whenListening: @escaping ListeningHandler) {
        self.options = options
        self.whenListening = whenListening
        var logger = Logger(label: "hummingbird-hello")
        logger.logLevel = .warning
        self.logger = logger
    }

    /// What is served, whatever is below it.
    public static func makeRouter() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/") { _, _ in "hello, world\n" }
        router.get("hello/:name") { _, context in "hello, \(context.parameters.get("name") ?? "you")\n" }
        router.post("echo") { request, _ in
            Response(
                status: .ok,
                body: ResponseBody(byteBuffer: try await request.body.collect(upTo: 4 << 20))
            )
        }
        // Where the handler runs: the name of its thread, which is the loop's.
        router.get("thread") { _, _ in currentThreadName() + "\n" }
        return router
    }

    /// Serves until one of the signals comes, or until it is cancelled.
    public func run(until signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
        switch options.group {
        case .nio: try await runOverNIO(until: signals)
        case .proactor, .proactorEpoll: try await runOverProactor(until: signals)
        }
    }

    private func runOverProactor(until signals: [UnixSignal]) async throws {
        let group = try options.group.makeProactorGroup(options.loops)
        let (tls, whenListening) = (try options.tls?.makeServerConfiguration(), whenListening)
        let application = ProactorApplication(
            router: Self.makeRouter(),
            channel: { responder in
                let channel = HTTP1Channel(responder: responder)
                guard let tls else { return channel }
                return try TLSChannel(channel, tlsConfiguration: tls)
            },
            configuration: ProactorServerConfiguration(
                address: .hostname(options.host, port: options.port),
                backlog: 4_096
            ),
            group: group,
            whenRunning: { whenListening($0.first?.localAddress?.port ?? 0) },
            logger: logger
        )
        do { try await application.runService(gracefulShutdownSignals: signals) } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func runOverNIO(until signals: [UnixSignal]) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.loops)
        let whenListening = whenListening
        let application = Application(
            router: Self.makeRouter(),
            server: try options.tls.map { try .tls(tlsConfiguration: $0.makeServerConfiguration()) }
                ?? .http1(),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                backlog: 4_096
            ),
            onServerRunning: { whenListening($0.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .shared(group),
            logger: logger
        )
        do { try await application.runService(gracefulShutdownSignals: signals) } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }
}
