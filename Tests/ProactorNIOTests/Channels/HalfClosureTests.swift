#if NIO
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    @Suite struct HalfClosureTests {
        @Test(arguments: NIOLoopKind.allCases)
        func thePeersEndIsAnEventWhereThatIsAllowed(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) {
                    $0.channelOption(.allowRemoteHalfClosure, value: true)
                } handlers: {
                    [recorder]
                }
                pair.write("question")
                pair.endOutput()
                await recorder.wait(for: "event:inputClosed")
                #expect(channel.isActive)
                try await channel.writeAndFlush(ByteBuffer(string: "answer"))
                #expect(await pair.read(count: 6) == Array("answer".utf8))
                // Both sides are closed then, and so is the channel.
                try await channel.close(mode: .output)
                try await channel.closeFuture.get()
                #expect(await pair.readToEnd().isEmpty)
                #expect(
                    recorder.events.filter { $0 != "readComplete" } == [
                        "registered", "active", "read:question", "event:inputClosed", "inactive",
                        "unregistered",
                    ]
                )
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func theOutputEndsBehindWhatWasFlushed(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) { [recorder] }
                let size = 2_000_000
                let ended = try await channel.eventLoop.submit {
                    channel.write(ByteBuffer(repeating: 3, count: size), promise: nil)
                    channel.flush()
                    let ended = channel.close(mode: .output)
                    channel.write(ByteBuffer(string: "late")).whenSuccess { Issue.record("it was too late") }
                    return ended
                }.get()
                let received = await pair.readToEnd()
                try await ended.get()
                #expect(received.count == size)
                await recorder.wait(for: "event:outputClosed")
                // The other side is open.
                pair.write("still here")
                await recorder.wait(for: "read:still here")
                await #expect(throws: ChannelError.outputClosed) {
                    try await channel.writeAndFlush(ByteBuffer(string: "more"))
                }
                await #expect(throws: ChannelError.outputClosed) { try await channel.close(mode: .output) }
                try await channel.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func theInputCanBeClosedAlone(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) { [recorder] }
                try await channel.close(mode: .input)
                await recorder.wait(for: "event:inputClosed")
                pair.write("unheard")
                try await channel.writeAndFlush(ByteBuffer(string: "spoken"))
                #expect(await pair.read(count: 6) == Array("spoken".utf8))
                #expect(recorder.text == "")
                await #expect(throws: ChannelError.inputClosed) { try await channel.close(mode: .input) }
                try await channel.close(mode: .output)
                try await channel.closeFuture.get()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func withoutThatTheChannelIsClosed(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder { event, context in
                    // What answers the last bytes is sent all the same.
                    guard event == "read:question" else { return }
                    context.writeAndFlush(NIOAny(ByteBuffer(string: "answer")), promise: nil)
                }
                let channel = try await pair.makeChannel(on: group) { [recorder] }
                pair.write("question")
                pair.endOutput()
                try await channel.closeFuture.get()
                #expect(await pair.readToEnd() == Array("answer".utf8))
                #expect(!recorder.events.contains { $0.hasPrefix("event") })
            }
        }
    }
#endif
