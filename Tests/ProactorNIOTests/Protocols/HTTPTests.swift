#if NIO
    import NIOConcurrencyHelpers
    import NIOCore
    import NIOHTTP1
    import Proactor
    import ProactorNIO
    import Testing

    /// SwiftNIO's HTTP over these channels, with a client that writes the bytes itself.
    @Suite struct HTTPTests {
        private final class Hello: ChannelInboundHandler, @unchecked Sendable {
            typealias InboundIn = HTTPServerRequestPart
            typealias OutboundOut = HTTPServerResponsePart
            private var isKeptAlive = true

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                switch Self.unwrapInboundIn(data) {
                case .head(let head): isKeptAlive = head.isKeepAlive
                case .body: break
                case .end: answer(context)
                }
            }

            private func answer(_ context: ChannelHandlerContext) {
                let body = "hello, world"
                var head = HTTPResponseHead(version: .http1_1, status: .ok)
                head.headers.add(name: "content-length", value: "\(body.utf8.count)")
                context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
                context.write(
                    Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))),
                    promise: nil
                )
                context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
                if !isKeptAlive { context.close(promise: nil) }
            }

            func errorCaught(context: ChannelHandlerContext, error: any Error) {
                context.close(promise: nil)
            }
        }

        private func withServer(
            _ kind: NIOLoopKind,
            _ body: (NIOProactorEventLoopGroup, any Channel) async throws -> Void
        ) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { channel in
                        channel.pipeline.configureHTTPServerPipeline(withErrorHandling: true).flatMap {
                            channel.pipeline.addHandler(Hello())
                        }
                    }
                    .bind(host: "127.0.0.1", port: 0).get()
                try await body(group, server)
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func pipelinedRequestsAreAnsweredInOrder(kind: NIOLoopKind) async throws {
            try await withServer(kind) { group, server in
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: #require(server.localAddress)).get()
                let request = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
                try await client.writeAndFlush(ByteBuffer(string: request + request + request))
                while recorder.text.ranges(of: "hello, world").count < 3 {
                    try await client.eventLoop.submit {}.get()
                }
                try await client.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aRequestThatClosesGetsItsWholeAnswer(kind: NIOLoopKind) async throws {
            try await withServer(kind) { group, server in
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: #require(server.localAddress)).get()
                try await client.writeAndFlush(
                    ByteBuffer(string: "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                )
                try await client.closeFuture.get()
                #expect(
                    recorder.text.hasPrefix("HTTP/1.1 200 OK\r\n") && recorder.text.hasSuffix("hello, world")
                )
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatIsNoRequestIsRefused(kind: NIOLoopKind) async throws {
            try await withServer(kind) { group, server in
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { $0.pipeline.addHandler(recorder) }
                    .connect(to: #require(server.localAddress)).get()
                try await client.writeAndFlush(ByteBuffer(string: "nonsense\r\n\r\n"))
                try await client.closeFuture.get()
                #expect(recorder.text.hasPrefix("HTTP/1.1 400 "))
            }
        }
    }
#endif
