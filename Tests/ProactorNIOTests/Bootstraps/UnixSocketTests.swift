#if NIO
    import Glibc
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    import enum NIOCore.SocketAddress

    @Suite struct UnixSocketTests {
        @Test(arguments: NIOLoopKind.allCases)
        func serversStandAtPaths(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let path = folder.path + "/socket"
                let bootstrap = NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                let first = try await bootstrap.bind(unixDomainSocketPath: path).get()
                #expect(first.localAddress?.pathname == path)
                let error = await #expect(throws: IOError.self) {
                    try await bootstrap.bind(unixDomainSocketPath: path).get()
                }
                #expect(error?.errnoCode == EADDRINUSE)
                try await first.close()
                let second =
                    try await bootstrap
                    .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(unixDomainSocketPath: path).get()
                #expect(client.remoteAddress?.pathname == path)
                try await client.writeAndFlush(ByteBuffer(string: "by path"))
                await recorder.wait(for: "read:by path")
                try await client.close()
                try await second.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func anotherFileIsLeftAlone(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let path = try folder.write([1], to: "file")
                let error = await #expect(throws: IOError.self) {
                    try await NIOProactorServerBootstrap(group: group)
                        .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
                }
                #expect(error?.errnoCode == EEXIST)
                #expect(access(path, F_OK) == 0)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aSocketThatIsBoundAlreadyIsTakenOver(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let path = folder.path + "/given"
                let descriptor = socket(
                    AF_UNIX,
                    Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
                    0
                )
                let address = try SocketAddress(unixDomainSocketPath: path)
                let bound = address.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
                #expect(bound == 0)
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                    .withBoundSocket(descriptor).get()
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(unixDomainSocketPath: path).get()
                try await client.writeAndFlush(ByteBuffer(string: "given"))
                await recorder.wait(for: "read:given")
                try await client.close()
                try await server.close()
            }
        }
    }
#endif
