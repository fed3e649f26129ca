#if Hummingbird
    import Hummingbird
    import HummingbirdCore
    import Logging
    import NIOHTTP1
    import ProactorNIO
    import ServiceLifecycle
    import UnixSignals

    /// A Hummingbird application over this library's loops: what takes the place of Hummingbird's `Application`, which makes SwiftNIO's
    /// own sockets.
    ///
    /// Routers, middleware, contexts and responders are Hummingbird's, and so is what a request passes. Each loop of the group listens at
    /// the address by a socket of its own, and each connection is handled by a task that runs on its loop.
    ///
    /// It is a service: a graceful shutdown closes the listeners, lets each connection answer the request that it is at, and returns when
    /// the last one is closed. Cancelling closes what connections still receive. The group's loops run on.
    ///
    /// Thread rule: any thread.
    ///
    /// ```swift
    /// let router = Router()
    /// router.get("hello/:name") { _, context in "hello, \(context.parameters.get("name") ?? "you")\n" }
    /// let group = try NIOProactorEventLoopGroup(numberOfThreads: 2)
    /// let application = ProactorApplication(
    ///     router: router,
    ///     configuration: ProactorServerConfiguration(address: .hostname("127.0.0.1", port: 8080)),
    ///     group: group
    /// )
    /// try await application.runService()
    /// try await group.shutdownGracefully()
    /// ```
    public struct ProactorApplication<Responder: HTTPResponder>: Service
    where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
        /// Makes, of what answers requests, what a connection is set up and handled by.
        public typealias ChannelBuilder =
            @Sendable (_ responder: @escaping HTTPChannelHandler.Responder) throws -> any ServerChildChannel

        private let responder: Responder
        private let buildChannel: ChannelBuilder
        private let configuration: ProactorServerConfiguration
        private let group: NIOProactorEventLoopGroup
        private let whenRunning: ProactorHTTPServer.RunningHandler
        /// Services that run beside the server: they begin before it and end after it.
        public var services: [any Service]
        /// Logs what the application does; a request's logger is the same with the request's number.
        public var logger: Logger

        /// An application that answers by a router.
        ///
        /// - Parameters:
        ///   - router: Hummingbird's, or another `HTTPResponderBuilder`, such as one of yours that makes a responder without routes.
        ///   - channel: what a connection speaks; HTTP/1.1 unless given. TLS is
        ///     `{ try TLSChannel(HTTP1Channel(responder: $0), tlsConfiguration: tls) }`.
        ///   - configuration: where to listen.
        ///   - services: services that run beside the server.
        ///   - group: the loops, which the caller shuts down when the application has ended.
        ///   - whenRunning: called once, when every listener accepts, with their channels, which know their addresses.
        ///   - logger: one with the label "Hummingbird" unless given.
        public init<Builder: HTTPResponderBuilder>(
            router: Builder,
            channel: @escaping ChannelBuilder = { HTTP1Channel(responder: $0) },
            configuration: ProactorServerConfiguration = ProactorServerConfiguration(),
            services: [any Service] = [],
            group: NIOProactorEventLoopGroup,
            whenRunning: @escaping ProactorHTTPServer.RunningHandler = { _ in },
            logger: Logger? = nil
        ) where Builder.Responder == Responder {
            self.responder = router.buildResponder()
            self.buildChannel = channel
            self.configuration = configuration
            self.services = services
            self.group = group
            self.whenRunning = whenRunning
            self.logger = logger ?? Logger(label: configuration.serverName ?? "Hummingbird")
        }

        /// Serves until the graceful shutdown of the service group that it is in, or until it is cancelled.
        ///
        /// - Throws: what a service throws; `IOError` when an address cannot be bound; `CancellationError`.
        public func run() async throws {
            let date = DateHeader()
            let server = ProactorHTTPServer(
                channel: try buildChannel(answer(datedBy: date)),
                configuration: configuration,
                group: group,
                whenRunning: whenRunning,
                logger: logger
            )
            let updates = date.keepUpdated(on: group.next())
            defer { updates.cancel() }
            let all = services + [server]
            try await ServiceGroup(configuration: .init(services: all, logger: logger)).run()
        }

        /// Runs the application in a service group of its own, which shuts down gracefully on signals.
        ///
        /// - Parameter gracefulShutdownSignals: SIGTERM and SIGINT, unless others are given.
        /// - Throws: as ``run()``.
        public func runService(gracefulShutdownSignals: [UnixSignal] = [.sigterm, .sigint]) async throws {
            let configuration = ServiceGroupConfiguration(
                services: [self],
                gracefulShutdownSignals: gracefulShutdownSignals,
                logger: logger
            )
            try await ServiceGroup(configuration: configuration).run()
        }

        /// What Hummingbird's application does with a request.
        private func answer(datedBy date: DateHeader) -> HTTPChannelHandler.Responder {
            let (responder, logger, serverName) = (responder, logger, configuration.serverName)
            return { request, writer, channel in
                var requestLogger = logger
                requestLogger[metadataKey: "hb.request.id"] = .stringConvertible(RequestID())
                var response = try await withLogger(requestLogger) { logger in
                    let source = ApplicationRequestContextSource(channel: channel, logger: logger)
                    do {
                        return try await responder.respond(
                            to: request,
                            context: Responder.Context(source: source)
                        )
                    } catch let error as HTTPParserError {
                        throw error
                    } catch {
                        logger.debug("a handler threw an error", metadata: ["error.type": "\(error)"])
                        return Response(status: .internalServerError, body: ResponseBody())
                    }
                }
                response.headers[.date] = date.text
                if let serverName { response.headers[.server] = serverName }
                do {
                    try await writer.write(response: response.head, body: response.body)
                } catch is HTTPParserError {
                    // The head has left: the handler of the connection must not answer once more.
                    throw UnreadableRequestError()
                }
            }
        }
    }

    /// A request turned out to be none while it was being answered.
    private struct UnreadableRequestError: Error {}

    extension ProactorApplication: CustomStringConvertible {
        public var description: String { "ProactorApplication" }
    }
#endif
