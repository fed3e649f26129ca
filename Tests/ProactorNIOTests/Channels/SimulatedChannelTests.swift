#if NIO
    import NIOCore
    import Proactor
    import ProactorNIO
    import ProactorTesting
    import Testing

    import protocol NIOCore.EventLoopGroup

    /// Channels on the hosts of a simulation: whatever its faults, nothing is lost, and one seed does one thing.
    @Suite struct SimulatedChannelTests {
        private struct Story: Equatable {
            var events: [String]
            var fingerprint: UInt64
        }

        /// Sends the pieces in their order, and flushes after every third and after the last.
        private final class Talker: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer

            private let pieces: [String]

            init(_ pieces: [String]) { self.pieces = pieces }

            func channelActive(context: ChannelHandlerContext) {
                context.fireChannelActive()
                for (number, piece) in pieces.enumerated() {
                    context.write(Self.wrapOutboundOut(ByteBuffer(string: piece)), promise: nil)
                    if number % 3 == 2 { context.flush() }
                }
                context.flush()
            }
        }

        /// What a client was told whose bytes came back to it.
        private func story(seed: UInt64, _ face: SimulatedFace) throws -> Story {
            let simulation = Simulation(seed: seed, faults: .all, face: face)
            let recorder = Recorder()
            var isBound = false
            var isDone = false
            try simulation.host("server").start {
                let loop = NIOProactorEventLoop.of(try getRunningLoop())
                let server = try await NIOProactorServerBootstrap(group: loop)
                    .childChannelInitializer { $0.pipeline.addHandler(Echo()) }
                    .bind(host: "0.0.0.0", port: 7).get()
                isBound = true
                try await server.closeFuture.get()
            }
            try simulation.run(until: { isBound }, within: .seconds(60))
            let pieces = (0..<200).map {
                "\($0)" + String(repeating: "-", count: simulation.choice(below: 2000))
            }
            let text = pieces.joined()
            try simulation.host("client").start {
                let loop = NIOProactorEventLoop.of(try getRunningLoop())
                let channel = try await NIOProactorClientBootstrap(group: loop)
                    .channelInitializer { $0.pipeline.addHandlers([Talker(pieces), recorder]) }
                    .connect(host: "server", port: 7).get()
                while recorder.text.utf8.count < text.utf8.count { try await sleep(for: .milliseconds(10)) }
                try await channel.close()
                isDone = true
            }
            try simulation.run(
                until: { isDone && recorder.events.last == "unregistered" },
                within: .seconds(600)
            )
            #expect(recorder.text == text)
            #expect(recorder.events.prefix(2) == ["registered", "active"])
            #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
            return Story(events: recorder.events, fingerprint: simulation.trace.fingerprint)
        }

        @Test(arguments: [SimulatedFace.ring, .selector])
        func whateverHappensNothingIsLost(face: SimulatedFace) throws {
            for seed in 0..<20 as Range<UInt64> { _ = try story(seed: seed, face) }
        }

        @Test(arguments: [SimulatedFace.ring, .selector])
        func theSameSeedTellsTheSame(face: SimulatedFace) throws {
            let first = try story(seed: 77, face)
            #expect(try story(seed: 77, face) == first)
            #expect(try story(seed: 78, face) != first)
        }
    }
#endif
