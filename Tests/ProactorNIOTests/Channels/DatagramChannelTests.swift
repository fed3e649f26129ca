#if NIO
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    import enum NIOCore.SocketAddress

    @Suite struct DatagramChannelTests {
        private typealias Envelope = AddressedEnvelope<ByteBuffer>

        /// Keeps what comes, as text and sender, and may answer.
        private final class Receiver: ChannelInboundHandler, @unchecked Sendable {
            typealias InboundIn = AddressedEnvelope<ByteBuffer>
            let received = NIOLockedValueBox<[(String, SocketAddress)]>([])
            let errors = NIOLockedValueBox<[any Error]>([])
            private let echoes: Bool

            init(echoes: Bool = false) { self.echoes = echoes }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let envelope = Self.unwrapInboundIn(data)
                received.withLockedValue {
                    $0.append((String(buffer: envelope.data), envelope.remoteAddress))
                }
                if echoes { context.write(data, promise: nil) }
            }

            func channelReadComplete(context: ChannelHandlerContext) {
                if echoes { context.flush() }
            }

            func errorCaught(context: ChannelHandlerContext, error: any Error) {
                errors.withLockedValue { $0.append(error) }
            }

            var texts: [String] { received.withLockedValue { $0.map(\.0) } }

            func wait(count: Int, on channel: any Channel) async throws {
                while received.withLockedValue({ $0.count }) < count {
                    try await channel.eventLoop.submit {}.get()
                }
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func datagramsGoThereAndBack(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorDatagramBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(Receiver(echoes: true)) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let receiver = Receiver()
                let client = try await NIOProactorDatagramBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(receiver) }
                    .connect(to: address).get()
                #expect(client.remoteAddress == address && client.isActive && client.isWritable)
                try await client.writeAndFlush(ByteBuffer(string: "plain"))
                try await client.writeAndFlush(
                    Envelope(remoteAddress: address, data: ByteBuffer(string: "addressed"))
                )
                try await client.writeAndFlush(ByteBuffer())
                try await receiver.wait(count: 3, on: client)
                #expect(receiver.texts == ["plain", "addressed", ""])
                #expect(receiver.received.withLockedValue { $0.allSatisfy { $0.1 == address } })
                let elsewhere = try SocketAddress(ipAddress: "127.0.0.1", port: 9)
                await #expect(throws: DatagramChannelError.WriteOnConnectedSocketWithInvalidAddress.self) {
                    try await client.writeAndFlush(Envelope(remoteAddress: elsewhere, data: ByteBuffer()))
                }
                await #expect(throws: DatagramChannelError.WriteOnUnconnectedSocketWithoutAddress.self) {
                    try await server.writeAndFlush(ByteBuffer(string: "to whom?"))
                }
                await #expect(throws: ChannelError.operationUnsupported) {
                    try await server.connect(to: address)
                }
                try await client.close()
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatIsTooLargeFailsAlone(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let receiver = Receiver()
                let server = try await NIOProactorDatagramBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(receiver) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let client = try await NIOProactorDatagramBootstrap(group: group).connect(to: address).get()
                let promises = (0..<3).map { _ in client.eventLoop.makePromise(of: Void.self) }
                client.write(ByteBuffer(string: "first"), promise: promises[0])
                client.write(ByteBuffer(repeating: 1, count: 70_000), promise: promises[1])
                client.write(ByteBuffer(string: "third"), promise: promises[2])
                client.flush()
                try await promises[0].futureResult.get()
                await #expect(throws: ChannelError.writeMessageTooLarge) {
                    try await promises[1].futureResult.get()
                }
                try await promises[2].futureResult.get()
                try await receiver.wait(count: 2, on: server)
                #expect(receiver.texts == ["first", "third"])
                #expect(client.isActive)
                try await client.close()
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func datagramsThatNobodyReadsWait(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let receiver = Receiver()
                let server = try await NIOProactorDatagramBootstrap(group: group)
                    .channelOption(.autoRead, value: false)
                    .channelOption(.maxMessagesPerRead, value: 1)
                    .channelInitializer { $0.pipeline.addHandler(receiver) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let client = try await NIOProactorDatagramBootstrap(group: group).connect(to: address).get()
                for number in 0..<4 { try await client.writeAndFlush(ByteBuffer(string: "\(number)")) }
                for _ in 0..<20 { try await server.eventLoop.submit {}.get() }
                #expect(receiver.texts.isEmpty)
                for number in 1...4 {
                    server.read()
                    try await receiver.wait(count: number, on: server)
                }
                #expect(receiver.texts == ["0", "1", "2", "3"])
                try await client.close()
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aCloseSendsWhatWasFlushed(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let receiver = Receiver()
                let server = try await NIOProactorDatagramBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(receiver) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let address = try #require(server.localAddress)
                let client = try await NIOProactorDatagramBootstrap(group: group).connect(to: address).get()
                let written = client.eventLoop.makePromise(of: Void.self)
                let dropped = client.eventLoop.makePromise(of: Void.self)
                try await client.eventLoop.flatSubmit {
                    client.writeAndFlush(ByteBuffer(string: "last"), promise: written)
                    client.write(ByteBuffer(string: "never"), promise: dropped)
                    return client.close()
                }.get()
                try await written.futureResult.get()
                await #expect(throws: ChannelError.ioOnClosedChannel) { try await dropped.futureResult.get() }
                try await receiver.wait(count: 1, on: server)
                #expect(receiver.texts == ["last"])
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func unixDatagramsHaveTheirPaths(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let receiver = Receiver()
                let server = try await NIOProactorDatagramBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(receiver) }
                    .bind(unixDomainSocketPath: folder.path + "/server").get()
                let client = try await NIOProactorDatagramBootstrap(group: group)
                    .connect(unixDomainSocketPath: folder.path + "/server").get()
                try await client.writeAndFlush(ByteBuffer(string: "by path"))
                try await receiver.wait(count: 1, on: server)
                #expect(receiver.texts == ["by path"])
                try await client.close()
                try await server.close()
                // The file stays, as with SwiftNIO, until somebody takes it away.
                await #expect(throws: IOError.self) {
                    try await NIOProactorDatagramBootstrap(group: group)
                        .bind(unixDomainSocketPath: folder.path + "/server").get()
                }
                let second = try await NIOProactorDatagramBootstrap(group: group)
                    .bind(unixDomainSocketPath: folder.path + "/server", cleanupExistingSocketFile: true)
                    .get()
                try await second.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatADatagramChannelCannotDoItSays(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let channel = try await NIOProactorDatagramBootstrap(group: group)
                    .channelOption(.datagramVectorReadMessageCount, value: 32)
                    .bind(host: "127.0.0.1", port: 0).get()
                await #expect(throws: ChannelError.operationUnsupported) {
                    try await channel.setOption(.explicitCongestionNotification, value: true).get()
                }
                await #expect(throws: ChannelError.operationUnsupported) {
                    try await channel.setOption(.receivePacketInfo, value: true).get()
                }
                await #expect(throws: ChannelError.operationUnsupported) {
                    try await channel.getOption(.datagramSegmentSize).get()
                }
                try await channel.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func asyncChannelsCarryDatagrams(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorDatagramBootstrap(group: group).bind(
                    host: "127.0.0.1",
                    port: 0
                ) {
                    channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>(
                            wrappingChannelSynchronously: channel
                        )
                    }
                }
                let address = try #require(server.channel.localAddress)
                let receiver = Receiver()
                let client = try await NIOProactorDatagramBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(receiver) }
                    .connect(to: address).get()
                try await client.writeAndFlush(ByteBuffer(string: "async"))
                try await server.executeThenClose { inbound, outbound in
                    for try await envelope in inbound {
                        try await outbound.write(envelope)
                        break
                    }
                }
                try await receiver.wait(count: 1, on: client)
                #expect(receiver.texts == ["async"])
                try await client.close()
            }
        }
    }
#endif
