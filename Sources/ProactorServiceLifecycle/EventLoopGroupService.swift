#if ServiceLifecycle
    import Proactor
    import ServiceLifecycle

    /// A group of loops as a service: it does nothing but end the loops, when its service group shuts down.
    ///
    /// - **Graceful shutdown** is `EventLoopGroup.shutdownGracefully(timeout:)` with the service's `grace`: servers that are still there
    ///   stop, connections have time, then the loops end. It returns when the threads are done.
    /// - **Cancelling** cuts that short.
    /// - **A group that somebody else shuts down** ends the service, which a service group takes for an error unless told otherwise.
    ///
    /// A service group shuts down from the last service to the first, so the loops stand before what runs on them.
    ///
    /// Thread rule: any thread, but none of the group's own.
    ///
    /// ```swift
    /// let group = try EventLoopGroup()
    /// let services = ServiceGroup(
    ///     services: [EventLoopGroupService(group, grace: .seconds(5)), EventLoopGroupServerService(server, grace: .seconds(10))],
    ///     logger: logger
    /// )
    /// try await services.run()
    /// ```
    public struct EventLoopGroupService: Service {
        private let group: EventLoopGroup
        private let grace: Duration

        /// A service that ends `group`.
        ///
        /// - Parameters:
        ///   - group: loops that run already.
        ///   - grace: how long the connections of servers have that are still there; zero or less aborts at once those that do not close
        ///     at once.
        public init(_ group: EventLoopGroup, grace: Duration) {
            self.group = group
            self.grace = grace
        }

        /// Waits for the graceful shutdown, and ends the loops.
        ///
        /// - Throws: `CancellationError` when it was cancelled, after the loops' end; `EventLoopError.invalidState` on one of the group's
        ///   own loops.
        public func run() async throws {
            do {
                _ = try await firstEnd { [group] in try await group.waitUntilEnded() }
            } catch is CancellationError {
                await group.shutdownGracefully(timeout: .zero)
                throw CancellationError()
            }
            await group.shutdownGracefully(timeout: grace)
            try Task.checkCancellation()
        }
    }
#endif
