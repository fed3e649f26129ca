#if NIO
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    /// A channel may be closed in every state, and within every call to a handler: each promise is kept once, and the end is told once.
    @Suite struct ClosingTests {
        /// The events at which the channel closes itself.
        static let moments = [
            "registered", "active", "read:", "readComplete", "event:", "writable:false", "inactive",
        ]

        @Test(arguments: NIOLoopKind.allCases, moments)
        func aHandlerMayCloseAtAnyTime(kind: NIOLoopKind, moment: String) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let closed = NIOLockedValueBox<[Bool]>([])
                let recorder = Recorder { event, context in
                    guard event.hasPrefix(moment) else { return }
                    context.close().whenComplete { result in
                        closed.withLockedValue { $0.append((try? result.get()) != nil) }
                    }
                }
                let channel = try? await pair.makeChannel(on: group) {
                    $0.channelOption(.allowRemoteHalfClosure, value: moment == "event:")
                } handlers: {
                    [recorder]
                }
                if let channel {
                    if moment.hasPrefix("read") { pair.write("something") }
                    if moment == "event:" { pair.endOutput() }
                    if moment == "inactive" { pair.closePeer() }
                    if moment.hasPrefix("writable") {
                        channel.writeAndFlush(ByteBuffer(repeating: 1, count: 5_000_000), promise: nil)
                        _ = await pair.readToEnd()
                    }
                    try await channel.closeFuture.get()
                }
                await recorder.wait(for: "unregistered")
                let events = recorder.events
                #expect(events.count { $0 == "unregistered" } == 1)
                #expect(events.count { $0 == "inactive" } == (moment == "registered" ? 0 : 1))
                #expect(events.last == "unregistered")
                // In `inactive` it is closed already.
                #expect(closed.withLockedValue { $0 } == [moment != "inactive"])
                #expect(await pair.readToEnd().isEmpty)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func promisesOfALostConnectionFail(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) { [recorder] }
                let flushed = channel.eventLoop.makePromise(of: Void.self)
                let waiting = channel.eventLoop.makePromise(of: Void.self)
                channel.writeAndFlush(ByteBuffer(repeating: 1, count: 5_000_000), promise: flushed)
                channel.write(ByteBuffer(string: "unflushed"), promise: waiting)
                await recorder.wait(for: "writable:false")
                pair.closePeer()
                await #expect(throws: (any Error).self) { try await flushed.futureResult.get() }
                await #expect(throws: (any Error).self) { try await waiting.futureResult.get() }
                try await channel.closeFuture.get()
                await #expect(throws: ChannelError.ioOnClosedChannel) {
                    try await channel.writeAndFlush(ByteBuffer(string: "late"))
                }
                #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aGroupsEndClosesItsChannels(kind: NIOLoopKind) async throws {
            let group = try kind.makeGroup()
            let pair = try RawSocketPair()
            let recorder = Recorder()
            let channel = try await pair.makeChannel(on: group) { [recorder] }
            let written = channel.eventLoop.makePromise(of: Void.self)
            channel.writeAndFlush(ByteBuffer(string: "goodbye"), promise: written)
            try await group.shutdownGracefully()
            try await written.futureResult.get()
            try await channel.closeFuture.get()
            #expect(await pair.readToEnd() == Array("goodbye".utf8))
            #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
            // What comes too late fails, and does not hang.
            await #expect(throws: ChannelError.ioOnClosedChannel) {
                try await channel.writeAndFlush(ByteBuffer(string: "late"))
            }
            await #expect(throws: (any Error).self) {
                try await NIOProactorDatagramBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func theEndOfTheLoopsOwnGroupClosesThemToo(kind: NIOLoopKind) async throws {
            let group = try kind.makeGroup()
            let pair = try RawSocketPair()
            let recorder = Recorder()
            let channel = try await pair.makeChannel(on: group) { [recorder] }
            let server = try await NIOProactorServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0)
                .get()
            group.proactorGroup.shutdown()
            try await group.proactorGroup.waitUntilEnded()
            try await channel.closeFuture.get()
            try await server.closeFuture.get()
            #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
            #expect(await pair.readToEnd().isEmpty)
            try await group.shutdownGracefully()
        }

        @Test(arguments: NIOLoopKind.allCases)
        func writesOfHandlersMayNest(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let channel = try await pair.makeChannel(on: group) { [] }
                let count = NIOLockedValueBox(0)
                @Sendable func writeNext() {
                    let number = count.withLockedValue { count in
                        count += 1
                        return count
                    }
                    guard number <= 100 else { return channel.close(promise: nil) }
                    channel.writeAndFlush(ByteBuffer(repeating: UInt8(number), count: 10_000)).whenSuccess {
                        writeNext()
                    }
                }
                channel.eventLoop.execute { writeNext() }
                let received = await pair.readToEnd()
                #expect(received.count == 1_000_000)
                #expect(
                    stride(from: 0, to: received.count, by: 10_000).map { received[$0] }
                        == (1...100).map { UInt8($0) }
                )
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aChannelThatWasNeverRegisteredCanBeClosed(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let made = NIOLockedValueBox<(any Channel)?>(nil)
                await #expect(throws: ChannelError.ioOnClosedChannel) {
                    try await NIOProactorClientBootstrap(group: group).channelInitializer { channel in
                        made.withLockedValue { $0 = channel }
                        return channel.close()
                    }.connect(host: "127.0.0.1", port: 9).get()
                }
                let channel = try #require(made.withLockedValue { $0 })
                try await channel.closeFuture.get()
                #expect(!channel.isActive)
            }
        }
    }
#endif
