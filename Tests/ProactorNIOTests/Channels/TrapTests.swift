#if NIO
    import NIOCore
    import NIOEmbedded
    import Proactor
    import ProactorNIO
    import TestSupport
    import Testing

    /// What traps in SwiftNIO traps here, and says why.
    @Suite struct TrapTests {
        @Test(.exitTest) func waitOnALoopIsRefused() async {
            let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                let group = try NIOProactorEventLoopGroup(numberOfThreads: 2)
                let other = group.next()
                try await group.next().submit { try other.submit {}.wait() }.get()
            }
            #expect(result.ended(saying: "wait() was called on the thread of an event loop"))
        }

        @Test(.exitTest) func shuttingDownAndWaitingOnALoopIsRefused() async {
            let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                let group = try NIOProactorEventLoopGroup(numberOfThreads: 1)
                try await group.next().submit { try group.syncShutdownGracefully() }.get()
            }
            #expect(result.ended(saying: "which would wait for itself"))
        }

        @Test(.exitTest) func anotherLibrarysGroupIsRefused() async {
            let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = NIOProactorServerBootstrap(group: EmbeddedEventLoop())
            }
            #expect(result.ended(saying: "needs a NIOProactorEventLoopGroup"))
        }

        @Test func anotherLibrarysGroupIsFoundOut() {
            let foreign = EmbeddedEventLoop()
            #expect(NIOProactorServerBootstrap(validatingGroup: foreign) == nil)
            #expect(NIOProactorClientBootstrap(validatingGroup: foreign) == nil)
            #expect(NIOProactorDatagramBootstrap(validatingGroup: foreign) == nil)
        }

        @Test(.exitTest) func anOptionThatIsNotKnownIsRefused() async {
            let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                let group = try NIOProactorEventLoopGroup(numberOfThreads: 1)
                let pair = try RawSocketPair()
                let channel = try await pair.makeChannel(on: group) { [] }
                try await channel.setOption(.backlog, value: 1).get()
            }
            #expect(result.ended(saying: "is not supported by StreamChannel"))
        }
    }
#endif
