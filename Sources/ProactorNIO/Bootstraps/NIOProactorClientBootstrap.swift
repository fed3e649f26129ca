#if NIO
    import NIOCore
    import Proactor

    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoopGroup

    /// Makes connections over this library's loops: what takes the place of SwiftNIO's `ClientBootstrap`, with the same methods.
    ///
    /// It is a `NIOClientTCPBootstrapProtocol`, so `NIOClientTCPBootstrap` with TLS stands over it. TCP sockets have `TCP_NODELAY`.
    ///
    /// Thread rule: as SwiftNIO's, one thread sets it up.
    ///
    /// ```swift
    /// let channel = try await NIOProactorClientBootstrap(group: group)
    ///     .channelInitializer { channel in channel.pipeline.addHandler(Client()) }
    ///     .connect(host: "localhost", port: 8080).get()
    /// ```
    public final class NIOProactorClientBootstrap: NIOClientTCPBootstrapProtocol {
        private let group: any EventLoopGroup
        private var initializer: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeSucceededVoidFuture()
        }
        private var protocolHandlers: (@Sendable () -> [any ChannelHandler])?
        private var options = ChannelOptions.Storage()
        private var timeout = TimeAmount.seconds(10)
        private var localAddress: SocketAddress?

        /// A bootstrap for a group of this library's, or one loop of it.
        public init(group: any EventLoopGroup) {
            _ = NIOProactorEventLoop.next(of: group, for: "NIOProactorClientBootstrap")
            self.group = group
        }

        /// The same, or `nil` when the group is another library's.
        public convenience init?(validatingGroup group: any EventLoopGroup) {
            guard NIOProactorEventLoop.isCompatible(group) else { return nil }
            self.init(group: group)
        }

        /// Makes the pipeline of a connection, before it is connected.
        public func channelInitializer(
            _ handler: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
        ) -> Self {
            initializer = handler
            return self
        }

        /// Makes handlers that come before those of the initializer, such as those of TLS.
        public func protocolHandlers(_ handlers: @escaping @Sendable () -> [any ChannelHandler]) -> Self {
            precondition(protocolHandlers == nil, "protocolHandlers can be set once")
            protocolHandlers = handlers
            return self
        }

        /// Sets an option of each channel, before it is connected.
        public func channelOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> Self {
            options.append(key: option, value: value)
            return self
        }

        /// How long an attempt to connect may take: ten seconds unless it is set.
        public func connectTimeout(_ timeout: TimeAmount) -> Self {
            self.timeout = timeout
            return self
        }

        /// The address to connect from.
        public func bind(to address: SocketAddress) -> Self {
            localAddress = address
            return self
        }

        // MARK: - Connecting

        /// Connects to a host, by name or address, and a port. Of several addresses the next is tried when the one before it fails or
        /// takes 250 ms, and the first connection that stands wins. Each attempt has a channel of its own that is initialised.
        ///
        /// - Returns: fails by this library's `ConnectionError`, which has each address's reason, where a name has several.
        public func connect(host: String, port: Int) -> EventLoopFuture<any Channel> {
            let loop = nextLoop
            return Self.connect(host: host, port: port, on: loop, by: handlers)
        }

        /// Connects to an address.
        public func connect(to address: SocketAddress) -> EventLoopFuture<any Channel> {
            handlers.connect(to: address, on: nextLoop)
        }

        /// Connects to a Unix socket's path.
        public func connect(unixDomainSocketPath: String) -> EventLoopFuture<any Channel> {
            let (loop, parts) = (nextLoop, handlers)
            return loop.unixAddress(unixDomainSocketPath, removing: false)
                .flatMap { parts.connect(to: $0, on: loop) }
        }

        /// Takes over a connected stream socket.
        public func withConnectedSocket(_ socket: NIOBSDSocket.Handle) -> EventLoopFuture<any Channel> {
            handlers.adopt(socket, on: nextLoop)
        }

        // MARK: - Connecting by async

        /// Connects to a host, by name or address, and a port, and returns what the initializer makes of the connection: a `NIOAsyncChannel`
        /// for instance. Of several attempts the initializer is called for each, and the winner's result is returned.
        public func connect<Output: Sendable>(
            host: String,
            port: Int,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            let (loop, parts) = (nextLoop, setUp(channelInitializer))
            return try await Self.connect(host: host, port: port, on: loop, by: parts).get()
        }

        /// Connects to an address, and returns what the initializer makes of the connection.
        public func connect<Output: Sendable>(
            to address: SocketAddress,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            try await setUp(channelInitializer).connect(to: address, on: nextLoop).get()
        }

        /// Connects to a Unix socket's path, and returns what the initializer makes of the connection.
        public func connect<Output: Sendable>(
            unixDomainSocketPath: String,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            let (loop, parts) = (nextLoop, setUp(channelInitializer))
            return try await loop.unixAddress(unixDomainSocketPath, removing: false)
                .flatMap { parts.connect(to: $0, on: loop) }.get()
        }

        /// Takes over a connected stream socket, and returns what the initializer makes of it.
        public func withConnectedSocket<Output: Sendable>(
            _ socket: NIOBSDSocket.Handle,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            try await setUp(channelInitializer).adopt(socket, on: nextLoop).get()
        }

        private var nextLoop: NIOProactorEventLoop { .next(of: group, for: "NIOProactorClientBootstrap") }

        private var handlers: ConnectionSetUp<any Channel> {
            let initializer = initializer
            return setUp { channel in initializer(channel).map { channel } }
        }

        private func setUp<Output: Sendable>(
            _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) -> ConnectionSetUp<Output> {
            ConnectionSetUp(
                options: options,
                timeout: timeout,
                localAddress: localAddress,
                protocolHandlers: protocolHandlers,
                initializer: initializer
            )
        }

        private static func connect<Output: Sendable>(
            host: String,
            port: Int,
            on loop: NIOProactorEventLoop,
            by parts: ConnectionSetUp<Output>
        ) -> EventLoopFuture<Output> {
            loop.addresses(ofHost: host, port: port, type: .stream).flatMap { addresses in
                guard addresses.count > 1 else { return parts.connect(to: addresses[0], on: loop) }
                return ConnectAttempts(addresses, on: loop, by: parts).begin()
            }
        }
    }

    @available(*, unavailable)
    extension NIOProactorClientBootstrap: Sendable {}
#endif
