#if NIO
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    import enum NIOCore.SocketAddress

    @Suite struct ServerAndClientTests {
        @Test(arguments: NIOLoopKind.allCases)
        func anEchoGoesThereAndBack(kind: NIOLoopKind) async throws {
            try await kind.withGroup(threads: 2) { group in
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                #expect(address.port ?? 0 > 0)
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: address).get()
                #expect(client.isActive && client.remoteAddress == address)
                try await client.writeAndFlush(ByteBuffer(string: "hello"))
                await recorder.wait(for: "read:hello")
                try await client.close()
                try await client.closeFuture.get()
                #expect(
                    recorder.events == [
                        "registered", "active", "read:hello", "readComplete", "inactive", "unregistered",
                    ]
                )
                try await server.close()
            }
        }
    }
#endif
