// Without the trait `GRPC` there is nothing in this module, and grpc-swift is not fetched.
#if GRPC
    import GRPCCore
    import GRPCNIOTransportHTTP2Posix
    import NIOCore
    import ProactorNIO

    extension HTTP2ServerTransport {
        /// A server transport of grpc-swift over this library's loops: what takes the place of `HTTP2ServerTransport.Posix`, which makes
        /// SwiftNIO's own sockets.
        ///
        /// Each loop of the group listens at the address by a socket of its own (`SO_REUSEPORT`), and the kernel spreads the connections.
        /// All of a connection, its handlers of HTTP/2 and the tasks of its calls, runs on its loop. At a Unix socket one loop listens
        /// and hands the connections to the loops in turn, and calls run where the server's own task does.
        ///
        /// A graceful shutdown by `GRPCServer.beginGracefulShutdown()` lets calls end; cancelling the server's task ends them. The
        /// group's loops run on.
        ///
        /// Thread rule: any thread.
        ///
        /// ```swift
        /// let group = try NIOProactorEventLoopGroup(numberOfThreads: 2)
        /// let transport = HTTP2ServerTransport.Proactor(address: .ipv4(host: "127.0.0.1", port: 8080), group: group)
        /// let server = GRPCServer(transport: transport, services: [Greeter()])
        /// try await server.serve()
        /// try await group.shutdownGracefully()
        /// ```
        public final class Proactor: ServerTransport, ListeningServerTransport {
            /// What messages are read from and written to.
            public typealias Bytes = GRPCNIOTransportBytes
            /// What is configured as with any transport over HTTP/2.
            public typealias Config = ProactorConfig

            /// One for each loop that listens; more than none.
            private let parts: [TransportPart]

            /// A transport that listens when its server serves.
            ///
            /// - Parameters:
            ///   - address: IPv4, IPv6, or a Unix socket's path, at which a socket's file is removed. Port 0 lets the kernel choose one,
            ///     for all loops.
            ///   - security: TLS, or none.
            ///   - config: what is configured as with any transport over HTTP/2.
            ///   - group: the loops, which the caller shuts down when the server has ended.
            public init(
                address: GRPCNIOTransportCore.SocketAddress,
                security: ProactorTransportSecurity = .plaintext,
                config: Config = .defaults,
                group: NIOProactorEventLoopGroup
            ) {
                parts = TransportPart.parts(address: address, security: security, config, group)
            }

            /// Where it listens; waits until it does.
            ///
            /// - Throws: `RuntimeError` when it does not listen any more, or could not.
            public var listeningAddress: GRPCNIOTransportCore.SocketAddress {
                get async throws {
                    if let address = await parts[0].transport.listeningAddress { return address }
                    throw RuntimeError(
                        code: .serverIsStopped,
                        message:
                            "The server does not listen: it was shut down, or its address could not be bound."
                    )
                }
            }

            /// Listens and serves until the shutdown; called by `GRPCServer`.
            public func listen(
                streamHandler:
                    @escaping @Sendable (
                        _ stream: RPCStream<Inbound, Outbound>,
                        _ context: ServerContext
                    ) async -> Void
            ) async throws {
                let parts = parts
                try await withThrowingTaskGroup(of: Void.self) { listeners in
                    func listen(by part: TransportPart) {
                        listeners.addTask(executorPreference: part.executor) {
                            try await part.transport.listen(streamHandler: streamHandler)
                        }
                    }
                    listen(by: parts[0])
                    // The others bind to the address that the first one has got. Where it has none, it throws, or is shut down.
                    if parts.count > 1, await parts[0].transport.listeningAddress != nil {
                        for part in parts.dropFirst() { listen(by: part) }
                    }
                    // One that fails ends the others.
                    try await listeners.waitForAll()
                }
            }

            /// Stops accepting, and lets calls end; called by `GRPCServer`.
            public func beginGracefulShutdown() {
                for part in parts { part.transport.beginGracefulShutdown() }
            }

            /// Takes over what the server says of its methods; called by `GRPCServer`.
            public func configure(context: GRPCServerContext) {
                for part in parts { part.transport.configure(context: context) }
            }
        }
    }

    /// What of a transport is on one loop.
    struct TransportPart: Sendable {
        let transport: HTTP2ServerTransport.Custom<ListenerFactory>
        /// Where its tasks run; `nil` leaves them where the server's are.
        let executor: (any TaskExecutor)?

        static func parts(
            address: GRPCNIOTransportCore.SocketAddress,
            security: ProactorTransportSecurity,
            _ config: ProactorConfig,
            _ group: NIOProactorEventLoopGroup
        ) -> [TransportPart] {
            let bound = BoundAddress()
            let isSpreadByKernel = address.ipv4 != nil || address.ipv6 != nil
            let groups: [any EventLoopGroup] = isSpreadByKernel ? Array(group.makeIterator()) : [group]
            return groups.enumerated().map { index, group in
                let factory = ListenerFactory(
                    address: index == 0 ? .requested(address) : .bound,
                    isSpreadByKernel: groups.count > 1,
                    security: security,
                    eventLoopGroup: group,
                    bound: bound
                )
                let custom = HTTP2ServerTransport.Custom<ListenerFactory>.Config(
                    compression: config.compression,
                    connection: config.connection,
                    http2: config.http2,
                    rpc: config.rpc,
                    channelDebuggingCallbacks: config.channelDebuggingCallbacks
                )
                return TransportPart(
                    transport: HTTP2ServerTransport.Custom(listenerFactory: factory, config: custom),
                    executor: (group as? NIOProactorEventLoop)?.taskExecutor
                )
            }
        }
    }
#endif
