// The code of the pages ProactorNIO.md and FromSwiftNIO.md, which a test holds against it.
#if NIO
    import NIOCore
    import Proactor
    import ProactorNIO

    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoop
    import protocol NIOCore.EventLoopGroup

    func bindChannels() async throws -> any Channel {
        let group = try NIOProactorEventLoopGroup(numberOfThreads: 2)
        let server = try await NIOProactorServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler())
                }
            }
            .bind(host: "127.0.0.1", port: 8080).get()
        return server
    }

    func handle(
        _ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        on loop: NIOProactorEventLoop,
        in tasks: inout ThrowingTaskGroup<Void, any Error>
    ) {
        tasks.addTask(executorPreference: loop.taskExecutor) { try await handle(connection) }
    }

    private func handle(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
        try await connection.executeThenCloseOnLoop { inbound, outbound in
            for try await message in inbound { try await outbound.write(message) }
        }
    }

    private final class EchoHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(data, promise: nil)
        }
    }
#endif
