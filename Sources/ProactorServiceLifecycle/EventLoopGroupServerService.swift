// Without the trait `ServiceLifecycle` there is nothing in this module, and swift-service-lifecycle is not fetched.
#if ServiceLifecycle
    import Proactor
    import ServiceLifecycle

    /// A group's server as a service: it accepts until its service group shuts down gracefully, and then gives its connections time.
    ///
    /// - **Graceful shutdown** is `EventLoopGroupServer.shutdownGracefully(timeout:)` with the service's `grace`.
    /// - **Cancelling** cuts that short: what is left of the connections is aborted at once.
    /// - **A server that cannot go on** ends the service group: one that cannot listen throws its `SocketError`, and one whose loops are
    ///   shut down by somebody else throws `EventLoopError.closed`. One that somebody else closes ends when its last connection is lost.
    ///
    /// The loops run on. Their end is a service too, ``EventLoopGroupService``, which stands before its servers in the list, as a service
    /// group shuts down from the last to the first.
    ///
    /// Thread rule: any thread.
    ///
    /// ```swift
    /// let group = try EventLoopGroup()
    /// let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 8080))
    /// let server = EventLoopGroupServerService(on: group, options, grace: .seconds(10)) { Echo() }
    /// let services = ServiceGroup(
    ///     services: [EventLoopGroupService(group, grace: .seconds(5)), server],
    ///     gracefulShutdownSignals: [.sigterm],
    ///     cancellationSignals: [.sigint],
    ///     logger: logger
    /// )
    /// try await services.run()
    /// ```
    public struct EventLoopGroupServerService: Service {
        private let makeServer: @Sendable () async throws -> EventLoopGroupServer
        private let grace: Duration
        private let whenServing: @Sendable (EventLoopGroupServer) -> Void

        /// A service that listens when it runs.
        ///
        /// - Parameters:
        ///   - group: whose loops have the connections. It must not be shut down before the service has ended.
        ///   - options: where and how to listen.
        ///   - spreading: how connections are spread over the loops.
        ///   - grace: how long connections have when the service is shut down gracefully; zero or less aborts at once those that do not
        ///     close at once.
        ///   - whenServing: called once, when every loop accepts, with the server, which knows its port.
        ///   - protocolFactory: called for each connection, on the thread of the loop that has it.
        public init(
            on group: EventLoopGroup,
            _ options: ServerOptions,
            spreading: ConnectionSpreading = .byKernel,
            grace: Duration,
            whenServing: @escaping @Sendable (EventLoopGroupServer) -> Void = { _ in },
            protocolFactory: @escaping @Sendable () throws -> any ConnectionProtocol
        ) {
            makeServer = {
                var options = options
                options.startServing = false
                return try await group.createServer(
                    options,
                    spreading: spreading,
                    protocolFactory: protocolFactory
                )
            }
            self.grace = grace
            self.whenServing = whenServing
        }

        /// A service for a server that listens already. It begins to accept when the service runs, unless it does by then.
        ///
        /// - Parameters:
        ///   - server: the service closes it in the end, also when it never ran to it.
        ///   - grace: how long connections have when the service is shut down gracefully.
        public init(_ server: EventLoopGroupServer, grace: Duration) {
            makeServer = { server }
            self.grace = grace
            whenServing = { _ in }
        }

        /// Serves until the graceful shutdown, and returns when the last connection is gone.
        ///
        /// - Throws: `CancellationError` when it was cancelled, `SocketError`, `EventLoopError`; see the type.
        public func run() async throws {
            let server = try await makeServer()
            defer { server.close() }
            let reason: EndReason
            do {
                try await server.startServing()
                whenServing(server)
                reason = try await firstEnd { try await server.waitClosed() }
            } catch is CancellationError {
                // A loop that ends cancels what waits on it.
                guard Task.isCancelled else { throw EventLoopError.closed }
                await server.shutdownGracefully(timeout: .zero)
                throw CancellationError()
            }
            guard case .gracefulShutdown = reason else { return }
            await server.shutdownGracefully(timeout: grace)
            try Task.checkCancellation()
        }
    }

    /// What ended the wait of a service.
    enum EndReason: Sendable {
        case gracefulShutdown
        /// What it waited for is over by itself.
        case over
    }

    /// Waits until the service group shuts down gracefully, or `work` is over, which is cancelled then.
    ///
    /// - Throws: what `work` throws, unless the shutdown was first; `CancellationError`.
    func firstEnd(of work: @escaping @Sendable () async throws -> Void) async throws -> EndReason {
        try await withThrowingTaskGroup(of: EndReason.self) { waits in
            waits.addTask {
                try await gracefulShutdown()
                return .gracefulShutdown
            }
            waits.addTask {
                try await work()
                return .over
            }
            defer { waits.cancelAll() }
            return try await waits.next() ?? .over
        }
    }
#endif
