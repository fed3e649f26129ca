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
            var server: [String]
            var client: [String]
            var fingerprint: UInt64
        }

        /// Sends the pieces in their order, and flushes after every third and after the last.
        private final class Talker: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer

            private let pieces: [String]

            init(_ pieces: [String]) { self.pieces = pieces }

            func channelActive(context: ChannelHandlerContext) {
                for (number, piece) in pieces.enumerated() {
                    context.write(Self.wrapOutboundOut(ByteBuffer(string: piece)), promise: nil)
                    if number % 3 == 2 { context.flush() }
                }
                context.flush()
                context.fireChannelActive()
            }
        }

        /// What both ends were told when a client's bytes came back to it.
        private func story(seed: UInt64, _ face: SimulatedFace) throws -> Story {
            let simulation = Simulation(seed: seed, faults: .all, face: face)
            let (atServer, atClient) = (Recorder(), Recorder())
            var isBound = false
            var isDone = false
            try simulation.host("server").start {
                let loop = NIOProactorEventLoop.of(try getRunningLoop())
                let server = try await NIOProactorServerBootstrap(group: loop)
                    .childChannelInitializer { $0.pipeline.addHandlers([atServer, Echo()]) }
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
                    .channelInitializer { $0.pipeline.addHandlers([atClient, Talker(pieces)]) }
                    .connect(host: "server", port: 7).get()
                while atClient.text.utf8.count < text.utf8.count { try await sleep(for: .milliseconds(10)) }
                try await channel.close()
                isDone = true
            }
            try simulation.run(
                until: { isDone && atServer.events.last == "unregistered" },
                within: .seconds(600)
            )
            #expect(atClient.text == text && atServer.text == text)
            for events in [atClient.events, atServer.events] {
                #expect(events.prefix(2) == ["registered", "active"])
                #expect(events.suffix(2) == ["inactive", "unregistered"])
                #expect(events.filter { $0 == "inactive" }.count == 1)
            }
            return Story(
                server: atServer.events,
                client: atClient.events,
                fingerprint: simulation.trace.fingerprint
            )
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
