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

        /// A channel whose peer `connect` makes, on a simulated loop of its own, with more flushed than any buffer on the way holds.
        private func withFlushedChannel<Peer, Value>(
            _ face: SimulatedFace,
            connectedBy connect: @escaping (BaseEventLoop, UInt16) async throws -> Peer,
            _ body: @escaping (any Channel, Peer, EventLoopFuture<Void>, Recorder) async throws -> Value
        ) throws -> Value {
            let loop = try LoneLoop.make(face)
            defer { try? loop.close() }
            let task = loop.createTask {
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
                let peer = try await connect(loop, UInt16(port))
                let channel = try await accepted.futureResult.get()
                channel.writeAndFlush(ByteBuffer(repeating: 1, count: Self.size), promise: written)
                let value = try await body(channel, peer, written.futureResult, recorder)
                try await server.close()
                return value
            }
            return try loop.runUntilComplete(task)
        }

        private static let size = 8 << 20

        @Test(arguments: [SimulatedFace.ring, .selector])
        func aPeerThatNeverReadsIsGivenUpAfterHalfAMinute(face: SimulatedFace) throws {
            let took = try withFlushedChannel(face) { loop, port in
                _ = try await loop.createConnection(host: "127.0.0.1", port: port) { DeafPeer() }
            } _: { channel, _, written, recorder in
                let begun = try getRunningLoop().time()
                // The channel says at once that it is closing, and at the end that it is closed.
                try await channel.close()
                let took = begun.duration(to: try getRunningLoop().time())
                await #expect(throws: ChannelError.ioOnClosedChannel) { try await written.get() }
                #expect(!channel.isActive)
                #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
                return took
            }
            #expect(took >= .seconds(30) && took < .seconds(31), "\(took)")
        }

        @Test(arguments: [SimulatedFace.ring, .selector])
        func aPeerThatReadsLateGetsEverything(face: SimulatedFace) throws {
            try withFlushedChannel(face) { loop, port in
                try await loop.openConnection(host: "127.0.0.1", port: port)
            } _: { channel, peer, written, _ in
                let closed = channel.eventLoop.makePromise(of: Void.self)
                channel.close(promise: closed)
                try await sleep(for: .seconds(29))
                var count = 0
                for try await piece in peer.reader.chunks { count += piece.count }
                #expect(count == Self.size)
                try await written.get()
                try await closed.futureResult.get()
                peer.writer.close()
            }
        }
    }
#endif
