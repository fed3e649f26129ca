#if NIO
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    @Suite struct AsyncChannelTests {
        private typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

        @Sendable private static func wrap(_ channel: any Channel) -> EventLoopFuture<
            NIOAsyncChannel<ByteBuffer, ByteBuffer>
        > {
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel(wrappingChannelSynchronously: channel)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aServerIsASequenceOfConnections(kind: NIOLoopKind) async throws {
            try await kind.withGroup(threads: 2) { group in
                let server = try await NIOProactorServerBootstrap(group: group)
                    .bind(host: "127.0.0.1", port: 0, childChannelInitializer: Self.wrap)
                let address = try #require(server.channel.localAddress)
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask {
                        try await server.executeThenClose { connections in
                            for try await connection in connections {
                                try await connection.executeThenClose { inbound, outbound in
                                    for try await bytes in inbound { try await outbound.write(bytes) }
                                }
                            }
                        }
                    }
                    for _ in 0..<3 {
                        let client = try await NIOProactorClientBootstrap(group: group)
                            .connect(to: address, channelInitializer: Self.wrap)
                        try await client.executeThenClose { inbound, outbound in
                            try await outbound.write(ByteBuffer(string: "hello"))
                            var received = ByteBuffer()
                            for try await bytes in inbound {
                                received.writeImmutableBuffer(bytes)
                                if received.readableBytes == 5 { break }
                            }
                            #expect(String(buffer: received) == "hello")
                        }
                    }
                    try await server.channel.close()
                    try await tasks.waitForAll()
                }
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func handlersThatAreServedRunOnTheirConnectionsLoop(kind: NIOLoopKind) async throws {
            try await kind.withGroup(threads: 2) { group in
                let places = NIOLockedValueBox<[Bool]>([])
                let bound = group.next().makePromise(of: (any Channel).self)
                let serving = Task {
                    try await NIOProactorServerBootstrap(group: group).serve(host: "127.0.0.1", port: 0) {
                        channel in
                        bound.succeed(channel)
                    } childChannelInitializer: { channel in
                        Self.wrap(channel)
                    } _: { connection in
                        let loop = connection.channel.eventLoop
                        try await connection.executeThenClose { inbound, outbound in
                            for try await bytes in inbound {
                                places.withLockedValue { $0.append(loop.inEventLoop) }
                                try await outbound.write(bytes)
                                places.withLockedValue { $0.append(loop.inEventLoop) }
                            }
                        }
                    }
                }
                let server = try await bound.futureResult.get()
                let address = try #require(server.localAddress)
                for _ in 0..<4 {
                    let recorder = Recorder()
                    let client = try await NIOProactorClientBootstrap(group: group)
                        .channelInitializer { $0.pipeline.addHandler(recorder) }
                        .connect(to: address).get()
                    try await client.writeAndFlush(ByteBuffer(string: "hello"))
                    await recorder.wait(for: "read:hello")
                    try await client.close()
                }
                try await server.close()
                try await serving.value
                let all = places.withLockedValue { $0 }
                #expect(all.count == 8 && all.allSatisfy { $0 })
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aHandlerThatThrowsEndsItsConnectionOnly(kind: NIOLoopKind) async throws {
            struct Unhappy: Error {}
            try await kind.withGroup { group in
                let told = NIOLockedValueBox<[String]>([])
                _ = try await group.proactorGroup.runOnEach { loop in
                    loop.setExceptionHandler { _, context in
                        told.withLockedValue { $0.append(context.message) }
                    }
                }
                let bound = group.next().makePromise(of: (any Channel).self)
                let serving = Task {
                    try await NIOProactorServerBootstrap(group: group).serve(host: "127.0.0.1", port: 0) {
                        channel in
                        bound.succeed(channel)
                    } childChannelInitializer: { channel in
                        Self.wrap(channel)
                    } _: { connection in
                        try await connection.executeThenClose { _, _ in throw Unhappy() }
                    }
                }
                let server = try await bound.futureResult.get()
                let address = try #require(server.localAddress)
                for _ in 0..<2 {
                    let client = try await NIOProactorClientBootstrap(group: group).connect(to: address).get()
                    try await client.closeFuture.get()
                }
                // The server ends with the task that serves.
                serving.cancel()
                _ = await serving.result
                try await server.closeFuture.get()
                #expect(
                    told.withLockedValue {
                        $0.count == 2 && $0.allSatisfy { $0.contains("handler of a connection") }
                    }
                )
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aSlowReaderHoldsItsWriterUp(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let made = NIOLockedValueBox<NIOAsyncChannel<ByteBuffer, ByteBuffer>?>(nil)
                let raw = try await pair.makeChannel(on: group) { [] }
                let channel = try await raw.eventLoop.submit {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: raw)
                }.get()
                made.withLockedValue { $0 = channel }
                let written = NIOLockedValueBox(0)
                let total = 64
                let writing = Task {
                    try await channel.executeThenCloseOnLoop { _, outbound in
                        for _ in 0..<total {
                            try await outbound.write(ByteBuffer(repeating: 1, count: 100_000))
                            written.withLockedValue { $0 += 1 }
                        }
                    }
                }
                // Unwritable, it waits for the peer.
                while raw.isWritable { try await raw.eventLoop.submit {}.get() }
                for _ in 0..<20 { try await raw.eventLoop.submit {}.get() }
                #expect(written.withLockedValue { $0 } < total)
                #expect(await pair.readToEnd().count == total * 100_000)
                try await writing.value
                #expect(written.withLockedValue { $0 } == total)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aCancelledTaskLeavesNoChannelBehind(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let raw = try await pair.makeChannel(on: group) { [] }
                let channel = try await raw.eventLoop.submit {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: raw)
                }.get()
                let reading = Task {
                    try await channel.executeThenClose { inbound, _ in
                        for try await _ in inbound {}
                    }
                }
                reading.cancel()
                _ = await reading.result
                try await raw.closeFuture.get()
                #expect(await pair.readToEnd().isEmpty)
            }
        }
    }
#endif
