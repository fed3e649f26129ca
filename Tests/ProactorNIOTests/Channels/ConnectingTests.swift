#if NIO
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    import enum NIOCore.SocketAddress

    @Suite struct ConnectingTests {
        /// An address where nobody listens, kept from others as long as this lives.
        private final class DeafPort {
            let descriptor: Int32
            let port: Int

            /// - Parameter waiting: with room for nobody: who connects gets no answer.
            init(listeningWithoutRoom waiting: Bool = false) throws {
                descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let descriptor = descriptor
                let bound = withUnsafeMutablePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                        bind(descriptor, address, length) == 0
                            && getsockname(descriptor, address, &length) == 0
                    }
                }
                guard bound, !waiting || listen(descriptor, 0) == 0 else {
                    throw IOError(errnoCode: errno, reason: "bind")
                }
                port = Int(UInt16(bigEndian: address.sin_port))
            }

            deinit { close(descriptor) }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aRefusalIsTheSystemsError(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let deaf = try DeafPort()
                let recorder = Recorder()
                let error = await #expect(throws: IOError.self) {
                    try await NIOProactorClientBootstrap(group: group)
                        .channelInitializer { $0.pipeline.addHandler(recorder) }
                        .connect(host: "127.0.0.1", port: deaf.port).get()
                }
                #expect(error?.errnoCode == ECONNREFUSED)
                await recorder.wait(for: "unregistered")
                #expect(recorder.events == ["registered", "unregistered"])
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whoGetsNoAnswerGivesUp(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let deaf = try DeafPort(listeningWithoutRoom: true)
                let address = try SocketAddress(ipAddress: "127.0.0.1", port: deaf.port)
                // One is taken in; those behind it wait for ever.
                let first = try await NIOProactorClientBootstrap(group: group).connect(to: address).get()
                let timeout = TimeAmount.milliseconds(20)
                await #expect(throws: ChannelError.connectTimeout(timeout)) {
                    for _ in 0..<4 {
                        let channel = try await NIOProactorClientBootstrap(group: group).connectTimeout(
                            timeout
                        )
                        .connect(to: address).get()
                        try await channel.close()
                    }
                }
                try await first.close()
            }
        }

        /// Closes the channel as soon as it has begun to connect.
        private final class Quitter: ChannelOutboundHandler, Sendable {
            typealias OutboundIn = Never

            func connect(
                context: ChannelHandlerContext,
                to address: SocketAddress,
                promise: EventLoopPromise<Void>?
            ) {
                context.connect(to: address, promise: promise)
                context.connect(to: address).whenComplete { result in
                    #expect(throws: ChannelError.connectPending) { try result.get() }
                }
                context.close(promise: nil)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aConnectThatIsUnderWayCanBeClosed(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorServerBootstrap(group: group).bind(
                    host: "127.0.0.1",
                    port: 0
                ).get()
                let address = try #require(server.localAddress)
                await #expect(throws: ChannelError.ioOnClosedChannel) {
                    try await NIOProactorClientBootstrap(group: group)
                        .channelInitializer { $0.pipeline.addHandler(Quitter()) }
                        .connect(to: address).get()
                }
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func namesWithSeveralAddressesAreTriedOneAfterTheOther(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let port = try #require(server.localAddress?.port)
                let recorder = Recorder()
                let channel = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { channel in
                        // Each attempt has a channel of its own.
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(Forwarder(recorder))
                        }
                    }
                    .connect(host: "localhost", port: port).get()
                try await channel.writeAndFlush(ByteBuffer(string: "found"))
                await recorder.wait(for: "read:found")
                try await channel.close()
                try await server.close()
                let deaf = try DeafPort()
                await #expect(throws: (any Error).self) {
                    try await NIOProactorClientBootstrap(group: group).connect(
                        host: "localhost",
                        port: deaf.port
                    ).get()
                }
            }
        }

        /// Tells a recorder what is read.
        private final class Forwarder: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            private let recorder: Recorder

            init(_ recorder: Recorder) { self.recorder = recorder }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                recorder.note("read:\(String(buffer: Self.unwrapInboundIn(data)))", context)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func theUniversalBootstrapStandsOverIt(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let recorder = Recorder()
                let bootstrap = NIOClientTCPBootstrap(
                    NIOProactorClientBootstrap(group: group),
                    tls: NIOInsecureNoTLS()
                )
                let channel =
                    try await bootstrap
                    .channelOption(.socketOption(.so_reuseaddr), value: 1)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: address).get()
                try await channel.writeAndFlush(ByteBuffer(string: "universal"))
                await recorder.wait(for: "read:universal")
                try await channel.close()
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aPipelineMayBindBeforeItConnects(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let accepted = NIOLockedValueBox<SocketAddress?>(nil)
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { channel in
                        accepted.withLockedValue { $0 = channel.remoteAddress }
                        return channel.pipeline.addHandler(Echo())
                    }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let recorder = Recorder()
                let channel = try await NIOProactorClientBootstrap(group: group)
                    .bind(to: SocketAddress(ipAddress: "127.0.0.3", port: 0))
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: address).get()
                #expect(channel.localAddress?.ipAddress == "127.0.0.3")
                try await channel.writeAndFlush(ByteBuffer(string: "bound"))
                await recorder.wait(for: "read:bound")
                #expect(accepted.withLockedValue { $0 } == channel.localAddress)
                try await channel.close()
                try await server.close()
            }
        }
    }
#endif
