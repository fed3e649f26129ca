#if NIO
    import NIOCore
    import Proactor

    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoopGroup

    /// Servers as sequences of connections, and servers that run their handlers.
    extension NIOProactorServerBootstrap {
        /// Binds to a host and a port. What comes in is what `childChannelInitializer` makes of each connection, a `NIOAsyncChannel`
        /// for instance.
        ///
        /// - Parameters:
        ///   - host: a name or an address; a name's first address counts.
        ///   - port: 0 lets the kernel choose.
        ///   - serverBackPressureStrategy: how many connections are accepted ahead of who takes them.
        ///   - childChannelInitializer: called on each connection's loop, before anything is read.
        public func bind<Output: Sendable>(
            host: String,
            port: Int,
            serverBackPressureStrategy: NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark? =
                nil,
            childChannelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> NIOAsyncChannel<Output, Never> {
            let loop = nextLoop
            let parts = sequence(serverBackPressureStrategy, childChannelInitializer)
            return try await loop.addresses(ofHost: host, port: port, type: .stream, isPassive: true)
                .flatMap { parts.bind(to: $0[0], on: loop) }.get()
        }

        /// Binds to an address; otherwise as ``bind(host:port:serverBackPressureStrategy:childChannelInitializer:)``.
        public func bind<Output: Sendable>(
            to address: SocketAddress,
            serverBackPressureStrategy: NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark? =
                nil,
            childChannelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> NIOAsyncChannel<Output, Never> {
            let parts = sequence(serverBackPressureStrategy, childChannelInitializer)
            return try await parts.bind(to: address, on: nextLoop).get()
        }

        /// Binds to a Unix socket's path; otherwise as ``bind(host:port:serverBackPressureStrategy:childChannelInitializer:)``.
        /// A socket's file that stands there is removed where `cleanupExistingSocketFile` says so.
        public func bind<Output: Sendable>(
            unixDomainSocketPath: String,
            cleanupExistingSocketFile: Bool = false,
            serverBackPressureStrategy: NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark? =
                nil,
            childChannelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> NIOAsyncChannel<Output, Never> {
            let loop = nextLoop
            let parts = sequence(serverBackPressureStrategy, childChannelInitializer)
            return try await loop.unixAddress(unixDomainSocketPath, removing: cleanupExistingSocketFile)
                .flatMap { parts.bind(to: $0, on: loop) }.get()
        }

        /// Listens on a bound stream socket, which the channel owns from here on; otherwise as
        /// ``bind(host:port:serverBackPressureStrategy:childChannelInitializer:)``.
        public func bind<Output: Sendable>(
            _ socket: NIOBSDSocket.Handle,
            serverBackPressureStrategy: NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark? =
                nil,
            childChannelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> NIOAsyncChannel<Output, Never> {
            let parts = sequence(serverBackPressureStrategy, childChannelInitializer)
            return try await parts.adopt(socket, on: nextLoop).get()
        }

        /// Binds to a host and a port and serves, until the calling task is cancelled or the server's channel is closed. Each connection is
        /// handled by a task of its own, which runs on the connection's loop: nothing hops between threads.
        ///
        /// Returns when the last handler has. Cancelling the calling task cancels them.
        ///
        /// ```swift
        /// try await bootstrap.serve(host: "127.0.0.1", port: 8080) { channel in
        ///     channel.eventLoop.makeCompletedFuture {
        ///         try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        ///     }
        /// } _: { connection in
        ///     try await connection.executeThenClose { inbound, outbound in
        ///         for try await message in inbound { try await outbound.write(message) }
        ///     }
        /// }
        /// ```
        ///
        /// - Parameters:
        ///   - host: a name or an address; a name's first address counts.
        ///   - port: 0 lets the kernel choose.
        ///   - whenBound: called once with the server's channel, which knows its address.
        ///   - childChannelInitializer: makes of a connection what its handler gets. Called on the connection's loop, before anything is
        ///     read.
        ///   - handler: an error that it throws is told to the exception handler of the connection's loop, and ends nothing else.
        public func serve<Output: Sendable>(
            host: String,
            port: Int,
            whenBound: @escaping @Sendable (any Channel) -> Void = { _ in },
            childChannelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>,
            _ handler: @escaping @Sendable (Output) async throws -> Void
        ) async throws {
            let server = try await bind(host: host, port: port) { channel in
                childChannelInitializer(channel).map { ServedConnection(output: $0, channel: channel) }
            }
            whenBound(server.channel)
            try await serve(server, handler)
        }

        /// As ``serve(host:port:whenBound:childChannelInitializer:_:)``, at an address.
        public func serve<Output: Sendable>(
            at address: SocketAddress,
            whenBound: @escaping @Sendable (any Channel) -> Void = { _ in },
            childChannelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>,
            _ handler: @escaping @Sendable (Output) async throws -> Void
        ) async throws {
            let server = try await bind(to: address) { channel in
                childChannelInitializer(channel).map { ServedConnection(output: $0, channel: channel) }
            }
            whenBound(server.channel)
            try await serve(server, handler)
        }

        private func serve<Output: Sendable>(
            _ server: NIOAsyncChannel<ServedConnection<Output>, Never>,
            _ handler: @escaping @Sendable (Output) async throws -> Void
        ) async throws {
            // Who hands connections out is best on the loop that accepts them.
            try await withTaskExecutorPreference(server.channel.eventLoop.executorOfLoop) {
                try await server.executeThenClose { inbound in
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for try await connection in inbound {
                            tasks.addTask(executorPreference: connection.channel.eventLoop.executorOfLoop) {
                                do { try await handler(connection.output) } catch { connection.report(error) }
                            }
                        }
                    }
                }
            }
        }

        private var nextLoop: NIOProactorEventLoop {
            .next(of: serverGroup, for: "NIOProactorServerBootstrap")
        }

        /// A server whose connections come out of a sequence.
        private func sequence<Output: Sendable>(
            _ backPressure: NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark?,
            _ childChannelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) -> ServerSetUp<NIOAsyncChannel<Output, Never>> {
            let (initializer, options) = (initializesChildren, optionsOfChildren)
            return setUp { channel in
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
                try pipeline.addHandler(AcceptHandler(initializer: initializer, options: options))
                return try NIOAsyncChannel<Output, Never>._wrapAsyncChannelWithTransformations(
                    wrappingChannelSynchronously: channel,
                    backPressureStrategy: backPressure
                ) { child in
                    // This is the server's loop; the connection may be on another.
                    child.eventLoop.flatSubmit { childChannelInitializer(child) }
                }
            }
        }
    }

    /// A connection of a server that runs its handlers.
    private struct ServedConnection<Output: Sendable>: Sendable {
        let output: Output
        let channel: any Channel

        func report(_ error: any Error) {
            guard !(error is CancellationError), let loop = channel.eventLoop as? NIOProactorEventLoop else {
                return
            }
            let peer = channel.remoteAddress?.description ?? "an unknown peer"
            loop.run {
                guard !loop.loop.isClosed else { return }
                let message = "the handler of a connection from \(peer) threw an error"
                loop.loop.callExceptionHandler(ExceptionContext(message: message, error: error))
            }
        }
    }
#endif
