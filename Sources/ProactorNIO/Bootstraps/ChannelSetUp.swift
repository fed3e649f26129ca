#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoopGroup
    import struct SystemPackage.FileDescriptor

    /// What the bootstraps have in common.
    extension NIOProactorEventLoop {
        /// One of the group's loops, which must be this library's.
        static func next(of group: any EventLoopGroup, for bootstrap: StaticString) -> NIOProactorEventLoop {
            guard let loop = group.next() as? NIOProactorEventLoop else {
                // Not a precondition: those lose their message in a release build.
                fatalError(
                    "\(bootstrap) needs a NIOProactorEventLoopGroup, or a loop of one, not a \(type(of: group)); for that use SwiftNIO's own bootstrap"
                )
            }
            return loop
        }

        /// Whether a bootstrap can use the group.
        static func isCompatible(_ group: any EventLoopGroup) -> Bool {
            group is NIOProactorEventLoopGroup || group is NIOProactorEventLoop
        }

        /// Makes a channel on this loop, sets its options, has it initialised, registers it, and begins. When any of that fails it is
        /// closed.
        func setUp<Made: BaseChannel, Output: Sendable>(
            _ options: ChannelOptions.Storage,
            make: @escaping @Sendable (NIOProactorEventLoop) throws -> Made,
            initialize: @escaping @Sendable (Made) -> EventLoopFuture<Output>,
            begin: @escaping @Sendable (Made, EventLoopPromise<Void>) -> Void
        ) -> EventLoopFuture<Output> {
            flatSubmitHere {
                let channel: Made
                do { channel = try make(self) } catch { return self.makeFailedFuture(nioError(error)) }
                return options.applyAllChannelOptions(to: channel).flatMap {
                    initialize(channel)
                }.flatMap { output in
                    let begun = self.makePromise(of: Void.self)
                    begin(channel, begun)
                    return begun.futureResult.map { output }
                }.flatMapErrorThrowing { error in
                    channel.close0(error: error, mode: .all, promise: nil)
                    throw error
                }
            }
        }

        /// As `flatSubmit`, and at once on the loop's thread.
        func flatSubmitHere<Output: Sendable>(
            _ body: @escaping @Sendable () -> EventLoopFuture<Output>
        ) -> EventLoopFuture<Output> {
            inEventLoop ? body() : flatSubmit(body)
        }

        /// The addresses of a host, not none.
        func addresses(
            ofHost host: String,
            port: Int,
            type: Proactor.SocketType,
            isPassive: Bool = false
        ) -> EventLoopFuture<[SocketAddress]> {
            let promise = makePromise(of: [SocketAddress].self)
            guard let number = UInt16(exactly: port) else {
                promise.fail(IOError(.invalidArgument, "\(port) is no port"))
                return promise.futureResult
            }
            runHere {
                self.loop.lookUp(host: host, port: number, type: type, isPassive: isPassive) { result in
                    promise.completeHere(with: result.map { $0.compactMap(\.nioAddress) })
                }
            }
            return promise.futureResult
        }

        /// Makes a socket for an address.
        func openSocket(
            for address: SocketAddress,
            _ type: Proactor.SocketType,
            protocolNumber: Int32 = 0
        ) throws -> FileDescriptor {
            let family = try address.proactorAddress().family
            let socket = try loop.openSocket(family, type, protocolNumber: protocolNumber)
            // What a server's socket has, the accepted ones inherit.
            if type == .stream, family != .unix { try? loop.setOption(.noDelay, to: 1, on: socket) }
            return socket
        }

        /// Takes in a socket that the program has made.
        func takeIn(_ handle: NIOBSDSocket.Handle) throws -> FileDescriptor {
            let socket = FileDescriptor(rawValue: handle)
            try loop.takeInSocket(socket)
            return socket
        }
    }

    extension BaseChannel {
        /// Registers the channel, and calls `body` right behind that.
        final func register(
            _ promise: EventLoopPromise<Void>,
            andThen body: @escaping @Sendable () -> Void
        ) {
            let registered = nioLoop.makePromise(of: Void.self)
            pipeline.register(promise: registered)
            registered.futureResult.whenComplete { result in
                switch result {
                case .success: body()
                case .failure(let error): promise.fail(error)
                }
            }
        }

        /// Registers a channel whose socket came bound or connected, and begins.
        final func registerConfigured(_ promise: EventLoopPromise<Void>) {
            registerAlreadyConfigured0(promise: promise)
        }
    }
#endif
