#if NIO
    import NIOCore
    import Proactor

    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoopGroup

    /// Makes datagram channels over this library's loops: what takes the place of SwiftNIO's `DatagramBootstrap`, with the same methods.
    ///
    /// A channel is bound, or connected; one that is bound cannot be connected later. It reads `AddressedEnvelope<ByteBuffer>` and writes
    /// that, or `ByteBuffer` once it is connected. What a turn sends goes to the kernel by one call, and datagrams that follow each other
    /// to one peer pass the network stack together, without an option for it.
    ///
    /// Thread rule: as SwiftNIO's, one thread sets it up.
    ///
    /// ```swift
    /// let channel = try await NIOProactorDatagramBootstrap(group: group)
    ///     .channelInitializer { channel in channel.pipeline.addHandler(Echo()) }
    ///     .bind(host: "127.0.0.1", port: 0).get()
    /// ```
    public final class NIOProactorDatagramBootstrap {
        private let group: any EventLoopGroup
        private var initializer: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeSucceededVoidFuture()
        }
        private var options = ChannelOptions.Storage()

        /// A bootstrap for a group of this library's, or one loop of it.
        public init(group: any EventLoopGroup) {
            _ = NIOProactorEventLoop.next(of: group, for: "NIOProactorDatagramBootstrap")
            self.group = group
        }

        /// The same, or `nil` when the group is another library's.
        public convenience init?(validatingGroup group: any EventLoopGroup) {
            guard NIOProactorEventLoop.isCompatible(group) else { return nil }
            self.init(group: group)
        }

        /// Makes the pipeline of a channel, before it is bound or connected.
        public func channelInitializer(
            _ handler: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
        ) -> Self {
            initializer = handler
            return self
        }

        /// Sets an option of each channel, before it is bound or connected.
        public func channelOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> Self {
            options.append(key: option, value: value)
            return self
        }

        // MARK: - Binding

        /// Binds to a host, by name or address, and a port. A host's first address counts.
        public func bind(host: String, port: Int) -> EventLoopFuture<any Channel> {
            let (loop, parts) = (nextLoop, handlers)
            return loop.addresses(ofHost: host, port: port, type: .datagram, isPassive: true)
                .flatMap { parts.bind(to: $0[0], on: loop) }
        }

        /// Binds to an address.
        public func bind(to address: SocketAddress) -> EventLoopFuture<any Channel> {
            handlers.bind(to: address, on: nextLoop)
        }

        /// Binds to a Unix socket's path.
        /// A socket's file that stands there is removed where `cleanupExistingSocketFile` says so.
        public func bind(
            unixDomainSocketPath: String,
            cleanupExistingSocketFile: Bool = false
        ) -> EventLoopFuture<any Channel> {
            let (loop, parts) = (nextLoop, handlers)
            return loop.unixAddress(unixDomainSocketPath, removing: cleanupExistingSocketFile)
                .flatMap { parts.bind(to: $0, on: loop) }
        }

        /// Takes over a datagram socket, bound or connected as it may be.
        public func withBoundSocket(_ socket: NIOBSDSocket.Handle) -> EventLoopFuture<any Channel> {
            handlers.adopt(socket, on: nextLoop)
        }

        // MARK: - Connecting

        /// Connects to a host, by name or address, and a port. A host's first address counts.
        public func connect(host: String, port: Int) -> EventLoopFuture<any Channel> {
            let (loop, parts) = (nextLoop, handlers)
            return loop.addresses(ofHost: host, port: port, type: .datagram)
                .flatMap { parts.connect(to: $0[0], on: loop) }
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

        // MARK: - By async

        /// Binds to a host and a port, and returns what the initializer makes of the channel: a `NIOAsyncChannel` for instance.
        public func bind<Output: Sendable>(
            host: String,
            port: Int,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            let (loop, parts) = (nextLoop, setUp(channelInitializer))
            return try await loop.addresses(ofHost: host, port: port, type: .datagram, isPassive: true)
                .flatMap { parts.bind(to: $0[0], on: loop) }.get()
        }

        /// Binds to an address, and returns what the initializer makes of the channel.
        public func bind<Output: Sendable>(
            to address: SocketAddress,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            try await setUp(channelInitializer).bind(to: address, on: nextLoop).get()
        }

        /// Binds to a Unix socket's path, and returns what the initializer makes of the channel.
        /// A socket's file that stands there is removed where `cleanupExistingSocketFile` says so.
        public func bind<Output: Sendable>(
            unixDomainSocketPath: String,
            cleanupExistingSocketFile: Bool = false,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            let (loop, parts) = (nextLoop, setUp(channelInitializer))
            return try await loop.unixAddress(unixDomainSocketPath, removing: cleanupExistingSocketFile)
                .flatMap { parts.bind(to: $0, on: loop) }.get()
        }

        /// Connects to a host and a port, and returns what the initializer makes of the channel.
        public func connect<Output: Sendable>(
            host: String,
            port: Int,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            let (loop, parts) = (nextLoop, setUp(channelInitializer))
            return try await loop.addresses(ofHost: host, port: port, type: .datagram)
                .flatMap { parts.connect(to: $0[0], on: loop) }.get()
        }

        /// Connects to an address, and returns what the initializer makes of the channel.
        public func connect<Output: Sendable>(
            to address: SocketAddress,
            channelInitializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) async throws -> Output {
            try await setUp(channelInitializer).connect(to: address, on: nextLoop).get()
        }

        private var nextLoop: NIOProactorEventLoop { .next(of: group, for: "NIOProactorDatagramBootstrap") }

        private var handlers: DatagramSetUp<any Channel> {
            let initializer = initializer
            return setUp { channel in initializer(channel).map { channel } }
        }

        private func setUp<Output: Sendable>(
            _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Output>
        ) -> DatagramSetUp<Output> {
            DatagramSetUp(options: options, initializer: initializer)
        }
    }

    @available(*, unavailable)
    extension NIOProactorDatagramBootstrap: Sendable {}

    /// What a datagram channel is made of.
    private struct DatagramSetUp<Output: Sendable>: Sendable {
        let options: ChannelOptions.Storage
        let initializer: @Sendable (any Channel) -> EventLoopFuture<Output>

        func bind(to address: SocketAddress, on loop: NIOProactorEventLoop) -> EventLoopFuture<Output> {
            open(for: address, on: loop) { channel, promise in
                channel.register(promise) { channel.pipeline.bind(to: address, promise: promise) }
            }
        }

        func connect(to address: SocketAddress, on loop: NIOProactorEventLoop) -> EventLoopFuture<Output> {
            open(for: address, on: loop) { channel, promise in
                channel.register(promise) { channel.pipeline.connect(to: address, promise: promise) }
            }
        }

        func adopt(_ handle: NIOBSDSocket.Handle, on loop: NIOProactorEventLoop) -> EventLoopFuture<Output> {
            loop.setUp(options) { loop -> DatagramChannel in
                let socket = try loop.takeIn(handle)
                return DatagramChannel(loop: loop, descriptor: socket, isGiven: true)
            } initialize: { channel in
                initializer(channel)
            } begin: { channel, promise in
                channel.registerConfigured(promise)
            }
        }

        private func open(
            for address: SocketAddress,
            on loop: NIOProactorEventLoop,
            begin: @escaping @Sendable (DatagramChannel, EventLoopPromise<Void>) -> Void
        ) -> EventLoopFuture<Output> {
            loop.setUp(options) { loop -> DatagramChannel in
                let socket = try loop.openSocket(for: address, .datagram)
                return DatagramChannel(loop: loop, descriptor: socket)
            } initialize: { channel in
                initializer(channel)
            } begin: { channel, promise in
                begin(channel, promise)
            }
        }
    }
#endif
