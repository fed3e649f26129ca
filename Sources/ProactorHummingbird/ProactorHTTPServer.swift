// Without the trait `Hummingbird` there is nothing in this module, and hummingbird is not fetched.
#if Hummingbird
    import HummingbirdCore
    import Logging
    import NIOCore
    import NIOExtras
    import ProactorNIO
    import ServiceLifecycle

    /// A server for anything that Hummingbird calls a child channel, over this library's loops: what takes the place of Hummingbird's
    /// `Server`. ``ProactorApplication`` makes one; make one yourself where you have no router.
    ///
    /// Thread rule: any thread.
    ///
    /// ```swift
    /// let channel = HTTP1Channel { request, writer, channel in
    ///     try await writer.writeResponse(HTTPResponse(status: .noContent))
    /// }
    /// let server = ProactorHTTPServer(channel: channel, configuration: configuration, group: group, logger: logger)
    /// try await ServiceGroup(services: [server], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    /// ```
    public struct ProactorHTTPServer: Service {
        /// Called with the channels of all listeners when they accept.
        public typealias RunningHandler = @Sendable (_ listeners: [any Channel]) async -> Void

        private let channel: any ServerChildChannel
        private let configuration: ProactorServerConfiguration
        private let group: NIOProactorEventLoopGroup
        private let whenRunning: RunningHandler
        private let logger: Logger

        /// A server that listens when it runs.
        ///
        /// - Parameters:
        ///   - channel: sets connections up and handles them.
        ///   - configuration: where to listen.
        ///   - group: the loops, which the caller shuts down when the server has ended.
        ///   - whenRunning: called once, when every listener accepts.
        ///   - logger: logs where it listens, and is handed to `channel`.
        public init(
            channel: any ServerChildChannel,
            configuration: ProactorServerConfiguration = ProactorServerConfiguration(),
            group: NIOProactorEventLoopGroup,
            whenRunning: @escaping RunningHandler = { _ in },
            logger: Logger
        ) {
            self.channel = channel
            self.configuration = configuration
            self.group = group
            self.whenRunning = whenRunning
            self.logger = logger
        }

        /// Serves until the graceful shutdown of the service group that it is in, or until it is cancelled. Returns when the last
        /// connection is closed.
        ///
        /// - Throws: `IOError` when an address cannot be bound, or a listener cannot accept any more.
        public func run() async throws {
            try await serve(by: channel)
        }

        private func serve<Child: ServerChildChannel>(by child: Child) async throws {
            let listeners = try await Listeners.bind(child, configuration, group, logger)
            try await withGracefulShutdownHandler {
                await whenRunning(listeners.channels)
                try await listeners.serve(by: child, logger)
            } onGracefulShutdown: {
                listeners.quiesce()
            }
        }
    }

    extension ProactorHTTPServer: CustomStringConvertible {
        public var description: String { "ProactorHTTPServer" }
    }

    /// All sockets of a server that listen: one on each loop, or one.
    private struct Listeners<Connection: ServerChildChannelValue>: Sendable {
        struct Listener: Sendable {
            let server: NIOAsyncChannel<Connection, Never>
            let quiescing: ServerQuiescingHelper
        }

        private let all: [Listener]

        var channels: [any Channel] { all.map(\.server.channel) }

        /// Binds all of them, or none.
        static func bind<Child: ServerChildChannel>(
            _ child: Child,
            _ configuration: ProactorServerConfiguration,
            _ group: NIOProactorEventLoopGroup,
            _ logger: Logger
        ) async throws -> Self where Child.Value == Connection {
            let binding = Binding(child: child, configuration: configuration, group: group, logger: logger)
            guard case .hostname(let host, let port) = configuration.address else {
                return Self(all: [try await binding.listenAtPath()])
            }
            let first = try await binding.listen(host: host, port: port)
            var all = [first]
            do {
                guard configuration.listensOnEachLoop, let address = first.server.channel.localAddress else {
                    return Self(all: all)
                }
                for loop in group.makeIterator().dropFirst() {
                    all.append(try await binding.listen(at: address, on: loop))
                }
            } catch {
                for listener in all { try? await listener.server.channel.close() }
                throw error
            }
            return Self(all: all)
        }

        /// Handles every connection by a task on its loop, and returns when all are closed.
        func serve<Child: ServerChildChannel>(by child: Child, _ logger: Logger) async throws
        where Child.Value == Connection {
            try await withThrowingTaskGroup { acceptors in
                for listener in all {
                    let server = listener.server
                    acceptors.addTask(executorPreference: server.channel.eventLoop.executorOfLoop) {
                        try await server.executeThenClose { inbound in
                            try await withThrowingDiscardingTaskGroup { connections in
                                for try await connection in inbound {
                                    connections.addTask(
                                        executorPreference: connection.channel.eventLoop.executorOfLoop
                                    ) {
                                        await child.handle(value: connection, logger: logger)
                                    }
                                }
                            }
                        }
                    }
                }
                try await acceptors.waitForAll()
            }
        }

        /// Closes the listeners, and tells the connections to end with the request that they are at.
        func quiesce() {
            for listener in all { listener.quiescing.initiateShutdown(promise: nil) }
        }
    }

    /// What all listeners of a server are bound with.
    private struct Binding<Child: ServerChildChannel>: Sendable {
        typealias Listener = Listeners<Child.Value>.Listener

        let child: Child
        let configuration: ProactorServerConfiguration
        let group: NIOProactorEventLoopGroup
        let logger: Logger

        private var listensOnEachLoop: Bool { configuration.listensOnEachLoop }

        /// The first of several, or the only one.
        func listen(host: String, port: Int) async throws -> Listener {
            try await listen(on: listensOnEachLoop ? firstLoop : nil) { bootstrap, initializer in
                try await bootstrap.bind(host: host, port: port, childChannelInitializer: initializer)
            }
        }

        func listen(at address: SocketAddress, on loop: any EventLoop) async throws -> Listener {
            try await listen(on: loop) { bootstrap, initializer in
                try await bootstrap.bind(to: address, childChannelInitializer: initializer)
            }
        }

        func listenAtPath() async throws -> Listener {
            guard case .unixDomainSocket(let path) = configuration.address else {
                preconditionFailure("a server has no path to listen at")
            }
            return try await listen(on: nil) { bootstrap, initializer in
                try await bootstrap.bind(
                    unixDomainSocketPath: path,
                    cleanupExistingSocketFile: true,
                    childChannelInitializer: initializer
                )
            }
        }

        private var firstLoop: (any EventLoop)? { group.makeIterator().first { _ in true } }

        /// - Parameter loop: where its connections are too; without, they are spread over the group.
        private func listen(
            on loop: (any EventLoop)?,
            _ bind: (
                NIOProactorServerBootstrap,
                @escaping @Sendable (any Channel) -> EventLoopFuture<Child.Value>
            ) async throws -> NIOAsyncChannel<Child.Value, Never>
        ) async throws -> Listener {
            let (child, logger) = (child, logger)
            let quiescing = ServerQuiescingHelper(group: loop ?? group)
            let bootstrap = NIOProactorServerBootstrap(group: loop ?? group, childGroup: loop ?? group)
                .serverChannelOption(.backlog, value: numericCast(configuration.backlog))
                .serverChannelOption(
                    .socketOption(.so_reuseaddr),
                    value: configuration.reuseAddress ? 1 : 0
                )
                .serverChannelOption(.socketOption(.reusePort), value: loop == nil ? 0 : 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = quiescing.makeServerChannelHandler(channel: channel)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
            let server = try await bind(bootstrap) { channel in child.setup(channel: channel, logger: logger)
            }
            let address = server.channel.localAddress.map { "\($0)" } ?? "an address without a name"
            logger.info("listening at \(address)")
            return Listener(server: server, quiescing: quiescing)
        }
    }

    extension EventLoop {
        /// This library's loop as the executor of tasks; `nil` for a loop of another's.
        fileprivate var executorOfLoop: (any TaskExecutor)? { (self as? NIOProactorEventLoop)?.taskExecutor }
    }
#endif
