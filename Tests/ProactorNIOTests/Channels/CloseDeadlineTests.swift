#if NIO
    import NIOCore
    import Proactor
    import ProactorNIO
    import ProactorTesting
    import Testing

    /// A close sends what was flushed, but waits for nobody for ever. In simulated time, which does not pass.
    @Suite struct CloseDeadlineTests {
        /// Takes nothing of what it is sent, and never closes.
        private final class DeafPeer: StreamProtocol {
            private(set) var end: (any Error)?
            private(set) var isLost = false

            func connectionMade(_ transport: any Transport) throws { transport.pauseReading() }
            func dataReceived(_ data: RawSpan) {}
            func connectionLost(_ error: (any Error)?) {
                end = error
                isLost = true
            }
        }

        @Test(arguments: [SimulatedFace.ring, .selector])
        func aPeerThatNeverReadsIsGivenUpAfterHalfAMinute(face: SimulatedFace) throws {
            let loop = try LoneLoop.make(face)
            defer { try? loop.close() }
            let took: Duration = try loop.runUntilComplete {
                let nioLoop = NIOProactorEventLoop.of(loop)
                let written = nioLoop.makePromise(of: Void.self)
                let accepted = nioLoop.makePromise(of: (any Channel).self)
                let recorder = Recorder { event, context in
                    if event == "active" { accepted.succeed(context.channel) }
                }
                let server = try await NIOProactorServerBootstrap(group: nioLoop)
                    .childChannelInitializer { $0.pipeline.addHandler(recorder) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let port = try #require(server.localAddress?.port)
                let (_, _) = try await loop.createConnection(host: "127.0.0.1", port: UInt16(port)) {
                    DeafPeer()
                }
                let channel = try await accepted.futureResult.get()
                // More than any buffer on the way holds.
                channel.writeAndFlush(ByteBuffer(repeating: 1, count: 8 << 20), promise: written)
                let begun = loop.time()
                // The channel says at once that it is closing, and at the end that it is closed.
                try await channel.close()
                let took = begun.duration(to: loop.time())
                await #expect(throws: ChannelError.ioOnClosedChannel) { try await written.futureResult.get() }
                #expect(!channel.isActive)
                #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
                try await server.close()
                return took
            }
            #expect(took >= .seconds(30) && took < .seconds(31), "\(took)")
        }

        @Test(arguments: [SimulatedFace.ring, .selector])
        func aPeerThatReadsLateGetsEverything(face: SimulatedFace) throws {
            let loop = try LoneLoop.make(face)
            defer { try? loop.close() }
            try loop.runUntilComplete {
                let nioLoop = NIOProactorEventLoop.of(loop)
                let accepted = nioLoop.makePromise(of: (any Channel).self)
                let recorder = Recorder { event, context in
                    if event == "active" { accepted.succeed(context.channel) }
                }
                let server = try await NIOProactorServerBootstrap(group: nioLoop)
                    .childChannelInitializer { $0.pipeline.addHandler(recorder) }
                    .bind(host: "127.0.0.1", port: 0).get()
                let port = try #require(server.localAddress?.port)
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: UInt16(port))
                let channel = try await accepted.futureResult.get()
                let written = nioLoop.makePromise(of: Void.self)
                let closed = nioLoop.makePromise(of: Void.self)
                channel.writeAndFlush(ByteBuffer(repeating: 1, count: 8 << 20), promise: written)
                channel.close(promise: closed)
                try await sleep(for: .seconds(29))
                var count = 0
                for try await piece in reader.chunks { count += piece.count }
                #expect(count == 8 << 20)
                try await written.futureResult.get()
                try await closed.futureResult.get()
                writer.close()
                try await server.close()
            }
        }
    }
#endif
