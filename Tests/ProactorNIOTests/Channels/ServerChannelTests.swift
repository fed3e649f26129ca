#if NIO
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    import enum NIOCore.SocketAddress

    @Suite struct ServerChannelTests {
        /// Lets a server read only when it is told to.
        private final class Gate: ChannelDuplexHandler, @unchecked Sendable {
            typealias InboundIn = any Channel
            typealias OutboundIn = Never
            let reads = NIOLockedValueBox(0)

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                reads.withLockedValue { $0 += 1 }
                context.fireChannelRead(data)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aServerAcceptsOnlyWhatItReads(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let gate = Gate()
                let server = try await NIOProactorServerBootstrap(group: group)
                    .serverChannelOption(.autoRead, value: false)
                    .serverChannelInitializer { $0.pipeline.addHandler(gate) }
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let recorders = (0..<3).map { _ in Recorder() }
                var clients: [any Channel] = []
                for recorder in recorders {
                    let client = try await NIOProactorClientBootstrap(group: group)
                        .channelInitializer { $0.pipeline.addHandler(recorder) }
                        .connect(to: address).get()
                    try await client.writeAndFlush(ByteBuffer(string: "hello"))
                    clients.append(client)
                }
                for _ in 0..<20 { try await server.eventLoop.submit {}.get() }
                #expect(gate.reads.withLockedValue { $0 } == 0)
                for number in 0..<3 {
                    server.read()
                    await recorders[number].wait(for: "read:hello")
                    for _ in 0..<20 { try await server.eventLoop.submit {}.get() }
                    #expect(gate.reads.withLockedValue { $0 } == number + 1)
                }
                for client in clients { try await client.close() }
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aClosedServersAddressIsFreeAtOnce(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                // An address of its own: nobody else gets the port meanwhile.
                let host = kind == .ring ? "127.0.57.1" : "127.0.57.2"
                var address = try SocketAddress(ipAddress: host, port: 0)
                for _ in 0..<5 {
                    let server = try await NIOProactorServerBootstrap(group: group)
                        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                        .bind(to: address).get()
                    address = try #require(server.localAddress)
                    try await server.close()
                    try await server.closeFuture.get()
                    #expect(!server.isActive && server.localAddress == nil)
                }
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func anAddressThatIsTakenIsRefused(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorServerBootstrap(group: group).bind(
                    host: "127.0.0.1",
                    port: 0
                ).get()
                let address = try #require(server.localAddress)
                let error = await #expect(throws: IOError.self) {
                    try await NIOProactorServerBootstrap(group: group).bind(to: address).get()
                }
                #expect(error?.errnoCode == EADDRINUSE)
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func connectionsAreSpreadOverTheChildLoops(kind: NIOLoopKind) async throws {
            try await kind.withGroup(threads: 2) { group in
                let loops = NIOLockedValueBox<[ObjectIdentifier]>([])
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { channel in
                        loops.withLockedValue { $0.append(ObjectIdentifier(channel.eventLoop)) }
                        return channel.pipeline.addHandler(Echo())
                    }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                for number in 0..<4 {
                    let recorder = Recorder()
                    let client = try await NIOProactorClientBootstrap(group: group)
                        .channelInitializer { $0.pipeline.addHandler(recorder) }
                        .connect(to: address).get()
                    try await client.writeAndFlush(ByteBuffer(string: "\(number)"))
                    await recorder.wait(for: "read:\(number)")
                    try await client.close()
                }
                let used = loops.withLockedValue { $0 }
                #expect(used.count == 4 && Set(used).count == 2)
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aQuiescedServerAcceptsNobody(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: address).get()
                try await client.writeAndFlush(ByteBuffer(string: "before"))
                await recorder.wait(for: "read:before")
                server.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
                try await server.closeFuture.get()
                await #expect(throws: IOError.self) {
                    try await NIOProactorClientBootstrap(group: group).connect(to: address).get()
                }
                // Those that it has go on.
                try await client.writeAndFlush(ByteBuffer(string: "after"))
                await recorder.wait(for: "read:after")
                try await client.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aHandlerThatCannotBeMadeCostsItsConnection(kind: NIOLoopKind) async throws {
            struct Unwilling: Error {}
            try await kind.withGroup { group in
                let failed = NIOLockedValueBox(false)
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { channel in
                        let isFirst = failed.withLockedValue { failed in
                            defer { failed = true }
                            return !failed
                        }
                        return isFirst
                            ? channel.eventLoop.makeFailedFuture(Unwilling())
                            : channel.pipeline.addHandler(Echo())
                    }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let first = try await NIOProactorClientBootstrap(group: group).connect(to: address).get()
                try await first.closeFuture.get()
                let recorder = Recorder()
                let second = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: address).get()
                try await second.writeAndFlush(ByteBuffer(string: "second"))
                await recorder.wait(for: "read:second")
                try await second.close()
                try await server.close()
            }
        }
    }
#endif
