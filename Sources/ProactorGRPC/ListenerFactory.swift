#if GRPC
    import GRPCCore
    import GRPCNIOTransportHTTP2Posix
    import NIOCore
    import NIOSSL
    import ProactorNIO
    import Synchronization

    /// Listens on one loop, or for all of a group.
    struct ListenerFactory: HTTP2ServerTransport.ListenerFactory {
        typealias Connection = HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel
        private typealias Initializer = @Sendable (any Channel) -> EventLoopFuture<Connection>

        enum Address: Sendable {
            case requested(GRPCNIOTransportCore.SocketAddress)
            /// Where the first of several listens.
            case bound
        }

        let address: Address
        let isSpreadByKernel: Bool
        let security: ProactorTransportSecurity
        let eventLoopGroup: any EventLoopGroup
        let bound: BoundAddress

        func makeListeningChannel(
            listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
            connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
        ) async throws -> NIOAsyncChannel<Connection, Never> {
            let context = try makeContext()
            let bootstrap = NIOProactorServerBootstrap(group: eventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.socketOption(.reusePort), value: isSpreadByKernel ? 1 : 0)
                .serverChannelInitializer { listenerConfigurator.configure(channel: $0) }
            let server = try await bind(bootstrap) { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context else { return }
                    let handler = NIOSSLServerHandler(context: context.context)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }.flatMap {
                    connectionConfigurator.configure(
                        channel: channel,
                        tls: context.map { .configured(requireALPN: $0.requiresALPN) } ?? .none
                    )
                }
            }
            bound.set(server.channel.localAddress)
            return server
        }

        private func makeContext() throws -> (context: NIOSSLContext, requiresALPN: Bool)? {
            guard case .tls(var configuration, let requiresALPN) = security else { return nil }
            if configuration.applicationProtocols.isEmpty {
                configuration.applicationProtocols = ["grpc-exp", "h2"]
            }
            return (try NIOSSLContext(configuration: configuration), requiresALPN)
        }

        private func bind(
            _ bootstrap: NIOProactorServerBootstrap,
            _ initializer: @escaping Initializer
        ) async throws -> NIOAsyncChannel<Connection, Never> {
            switch address {
            case .bound:
                guard let address = bound.address else {
                    throw RuntimeError(code: .serverIsStopped, message: "The first loop does not listen.")
                }
                return try await bootstrap.bind(to: address, childChannelInitializer: initializer)
            case .requested(let address):
                if let address = address.ipv4 {
                    return try await bind(bootstrap, address.host, address.port, initializer)
                }
                if let address = address.ipv6 {
                    return try await bind(bootstrap, address.host, address.port, initializer)
                }
                guard let path = address.unixDomainSocket?.path else {
                    throw RuntimeError(
                        code: .transportError,
                        message: "Listen at an IPv4 or IPv6 address or at a Unix socket, not at \(address)."
                    )
                }
                return try await bootstrap.bind(
                    unixDomainSocketPath: path,
                    cleanupExistingSocketFile: true,
                    childChannelInitializer: initializer
                )
            }
        }

        private func bind(
            _ bootstrap: NIOProactorServerBootstrap,
            _ host: String,
            _ port: Int,
            _ initializer: @escaping Initializer
        ) async throws -> NIOAsyncChannel<Connection, Never> {
            try await bootstrap.bind(host: host, port: port, childChannelInitializer: initializer)
        }
    }

    /// Where the first of several listens, for the others.
    final class BoundAddress: Sendable {
        private let value = Mutex<NIOCore.SocketAddress?>(nil)

        var address: NIOCore.SocketAddress? { value.withLock { $0 } }

        /// Only the first one counts.
        func set(_ address: NIOCore.SocketAddress?) {
            value.withLock { $0 = $0 ?? address }
        }
    }
#endif
