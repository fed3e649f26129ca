#if NIO
    import NIOCore
    import Proactor

    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoopGroup

    /// Makes servers over this library's loops: what takes the place of SwiftNIO's `ServerBootstrap`, with the same methods.
    ///
    /// One loop of the group accepts, and the connections are spread over the loops of the child group. TCP sockets have `TCP_NODELAY`.
    ///
    /// ``serve(host:port:whenBound:childChannelInitializer:_:)`` also runs the tasks that handle connections, each on its connection's
    /// loop, which is where they cost least.
    ///
    /// Thread rule: as SwiftNIO's, one thread sets it up.
    ///
    /// ```swift
    /// let server = try await NIOProactorServerBootstrap(group: group)
    ///     .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    ///     .childChannelInitializer { channel in
    ///         channel.pipeline.configureHTTPServerPipeline().flatMap { channel.pipeline.addHandler(Hello()) }
    ///     }
    ///     .bind(host: "127.0.0.1", port: 8080).get()
    /// ```
    public final class NIOProactorServerBootstrap {
        private let group: any EventLoopGroup
        private let childGroup: any EventLoopGroup
        private var serverInitializer: (@Sendable (any Channel) -> EventLoopFuture<Void>)?
        private var childInitializer: (@Sendable (any Channel) -> EventLoopFuture<Void>)?
        private var serverOptions = ChannelOptions.Storage()
        private var childOptions = ChannelOptions.Storage()

        /// A bootstrap whose servers and connections are on the loops of one group, which must be this library's.
        public convenience init(group: any EventLoopGroup) {
            self.init(group: group, childGroup: group)
        }

        /// A bootstrap whose servers are on the loops of one group and their connections on those of another; both must be this
        /// library's.
        public init(group: any EventLoopGroup, childGroup: any EventLoopGroup) {
            _ = NIOProactorEventLoop.next(of: group, for: "NIOProactorServerBootstrap")
            _ = NIOProactorEventLoop.next(of: childGroup, for: "NIOProactorServerBootstrap")
            self.group = group
            self.childGroup = childGroup
        }

        /// The same, or `nil` when a group is another library's.
        public convenience init?(
            validatingGroup group: any EventLoopGroup,
            childGroup: (any EventLoopGroup)? = nil
        ) {
            let childGroup = childGroup ?? group
            guard NIOProactorEventLoop.isCompatible(group), NIOProactorEventLoop.isCompatible(childGroup)
            else {
                return nil
            }
            self.init(group: group, childGroup: childGroup)
        }

        // MARK: - What servers and connections are to be like

        /// Makes the pipeline of a server's own channel.
        public func serverChannelInitializer(
            _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
        ) -> Self {
            serverInitializer = initializer
            return self
        }

        /// Makes the pipeline of a connection, on its loop, before anything is read.
        public func childChannelInitializer(
            _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
        ) -> Self {
            childInitializer = initializer
            return self
        }

        /// Sets an option of the server's channel, before it is bound.
        public func serverChannelOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> Self
        {
            serverOptions.append(key: option, value: value)
            return self
        }

        /// Sets an option of each connection's channel.
        public func childChannelOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> Self {
            childOptions.append(key: option, value: value)
            return self
        }

        // MARK: - Binding

        /// Binds to a host, by name or address, and a port, and accepts. A host's first address counts.
        public func bind(host: String, port: Int) -> EventLoopFuture<any Channel> {
            let loop = NIOProactorEventLoop.next(of: group, for: "NIOProactorServerBootstrap")
            let parts = handlers
            return loop.addresses(ofHost: host, port: port, type: .stream, isPassive: true).flatMap {
                addresses in
                parts.bind(to: addresses[0], on: loop)
            }
        }

        /// Binds to an address, and accepts.
        public func bind(to address: SocketAddress) -> EventLoopFuture<any Channel> {
            handlers.bind(to: address, on: .next(of: group, for: "NIOProactorServerBootstrap"))
        }

        /// Binds to a Unix socket's path, where no file may be.
        public func bind(unixDomainSocketPath: String) -> EventLoopFuture<any Channel> {
            bind(unixDomainSocketPath: unixDomainSocketPath, cleanupExistingSocketFile: false)
        }

        /// Binds to a Unix socket's path.
        /// A socket's file that stands there is removed where `cleanupExistingSocketFile` says so.
        public func bind(unixDomainSocketPath: String, cleanupExistingSocketFile: Bool) -> EventLoopFuture<
            any Channel
        > {
            let loop = NIOProactorEventLoop.next(of: group, for: "NIOProactorServerBootstrap")
            let parts = handlers
            return loop.unixAddress(unixDomainSocketPath, removing: cleanupExistingSocketFile).flatMap {
                address in
                parts.bind(to: address, on: loop)
            }
        }

        /// Listens on a bound stream socket, which the channel owns from here on.
        public func withBoundSocket(_ socket: NIOBSDSocket.Handle) -> EventLoopFuture<any Channel> {
            handlers.adopt(socket, on: .next(of: group, for: "NIOProactorServerBootstrap"))
        }

        /// What a server is made of, with the handlers that the program has set.
        var handlers: ServerSetUp<any Channel> {
            let (childInitializer, childOptions) = (childInitializer, childOptions)
            return setUp { channel in
                let handler = AcceptHandler(initializer: childInitializer, options: childOptions)
                try channel.pipeline.syncOperations.addHandler(handler, name: "AcceptHandler")
                return channel
            }
        }

        /// The same, with what `finish` puts into the pipeline and returns.
        func setUp<Output: Sendable>(
            _ finish: @escaping @Sendable (ServerChannel) throws -> Output
        ) -> ServerSetUp<Output> {
            ServerSetUp(
                childGroup: childGroup,
                options: serverOptions,
                initializer: serverInitializer,
                finish: finish
            )
        }

        var initializesChildren: (@Sendable (any Channel) -> EventLoopFuture<Void>)? { childInitializer }
        var optionsOfChildren: ChannelOptions.Storage { childOptions }
        var serverGroup: any EventLoopGroup { group }
    }

    @available(*, unavailable)
    extension NIOProactorServerBootstrap: Sendable {}

    /// What a server is made of.
    struct ServerSetUp<Output: Sendable>: Sendable {
        let childGroup: any EventLoopGroup
        let options: ChannelOptions.Storage
        let initializer: (@Sendable (any Channel) -> EventLoopFuture<Void>)?
        /// Puts the last handlers into the pipeline.
        let finish: @Sendable (ServerChannel) throws -> Output

        func bind(to address: SocketAddress, on loop: NIOProactorEventLoop) -> EventLoopFuture<Output> {
            let childGroup = childGroup
            return make(on: loop) { loop in
                let socket = try loop.openSocket(for: address, .stream)
                return ServerChannel(loop: loop, childGroup: childGroup, descriptor: socket)
            } begin: { channel, promise in
                channel.register(promise) { channel.pipeline.bind(to: address, promise: promise) }
            }
        }

        func adopt(_ handle: NIOBSDSocket.Handle, on loop: NIOProactorEventLoop) -> EventLoopFuture<Output> {
            let childGroup = childGroup
            return make(on: loop) { loop in
                let socket = try loop.takeIn(handle)
                return ServerChannel(loop: loop, childGroup: childGroup, descriptor: socket, isGiven: true)
            } begin: { channel, promise in
                channel.registerConfigured(promise)
            }
        }

        private func make(
            on loop: NIOProactorEventLoop,
            _ make: @escaping @Sendable (NIOProactorEventLoop) throws -> ServerChannel,
            begin: @escaping @Sendable (ServerChannel, EventLoopPromise<Void>) -> Void
        ) -> EventLoopFuture<Output> {
            let (initializer, finish) = (initializer, finish)
            return loop.setUp(options, make: make) { channel in
                let isReady = initializer?(channel) ?? loop.makeSucceededVoidFuture()
                return isReady.flatMapThrowing { try finish(channel) }
            } begin: { channel, promise in
                begin(channel, promise)
            }
        }
    }
#endif
