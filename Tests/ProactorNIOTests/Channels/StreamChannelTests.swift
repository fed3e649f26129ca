#if NIO
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    @Suite struct StreamChannelTests {
        @Test(arguments: NIOLoopKind.allCases)
        func theEventsOfALifeComeInOrder(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) { [recorder] }
                #expect(channel.isActive && channel.isWritable)
                pair.write("one")
                await recorder.wait(for: "readComplete")
                pair.closePeer()
                try await channel.closeFuture.get()
                #expect(
                    recorder.events == [
                        "registered", "active", "read:one", "readComplete", "readComplete", "inactive",
                        "unregistered",
                    ]
                )
                #expect(!channel.isActive)
                await #expect(throws: ChannelError.alreadyClosed) { try await channel.close() }
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatWasFlushedIsSentBeforeTheClose(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                for size in [5, 20_000, 3_000_000] {
                    let pair = try RawSocketPair()
                    let recorder = Recorder()
                    let channel = try await pair.makeChannel(on: group) { [recorder] }
                    let order = NIOLockedValueBox<[String]>([])
                    let closed = try await channel.eventLoop.submit {
                        let bytes = ByteBuffer(repeating: 7, count: size)
                        channel.writeAndFlush(bytes).whenComplete { result in
                            order.withLockedValue { $0.append("written \((try? result.get()) != nil)") }
                        }
                        channel.write(ByteBuffer(string: "never flushed")).whenFailure { error in
                            order.withLockedValue { $0.append("dropped \(error)") }
                        }
                        let closed = channel.close()
                        closed.whenComplete { _ in order.withLockedValue { $0.append("closed") } }
                        channel.closeFuture.whenComplete { _ in order.withLockedValue { $0.append("gone") } }
                        return closed
                    }.get()
                    let received = await pair.readToEnd()
                    try await closed.get()
                    try await channel.closeFuture.get()
                    #expect(received.count == size && received.allSatisfy { $0 == 7 })
                    let told = order.withLockedValue { $0 }
                    #expect(
                        told.filter { $0 != "dropped I/O on closed channel" } == [
                            "written true", "closed", "gone",
                        ]
                    )
                    #expect(told.count == 4)
                }
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func promisesOfWritesAreKeptInOrder(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let channel = try await pair.makeChannel(on: group) { [] }
                let order = NIOLockedValueBox<[Int]>([])
                let all = try await channel.eventLoop.flatSubmit {
                    let writes = [1, 40_000, 0, 9_000, 1, 0, 70_000].enumerated().map { index, size in
                        let written = channel.write(ByteBuffer(repeating: UInt8(index), count: size))
                        written.whenSuccess { order.withLockedValue { $0.append(index) } }
                        return written
                    }
                    channel.flush()
                    return channel.eventLoop.makeSucceededFuture(writes)
                }.get()
                let received = await pair.read(count: 119_002)
                for write in all { try await write.get() }
                #expect(order.withLockedValue { $0 } == Array(0..<7))
                #expect(received.count == 119_002)
                try await channel.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aPeerThatReadsNothingMakesTheChannelUnwritable(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) { [recorder] }
                let size = 4_000_000
                let written = channel.eventLoop.makePromise(of: Void.self)
                channel.writeAndFlush(ByteBuffer(repeating: 1, count: size), promise: written)
                await recorder.wait(for: "writable:false")
                #expect(!channel.isWritable)
                let buffered = try await channel.getOption(.bufferedWritableBytes).get()
                #expect(buffered > 64 * 1024)
                #expect(await pair.read(count: size).count == size)
                try await written.futureResult.get()
                await recorder.wait(for: "writable:true")
                #expect(channel.isWritable)
                #expect(
                    recorder.events.filter { $0.hasPrefix("writable") } == [
                        "writable:false", "writable:true",
                    ]
                )
                #expect(try await channel.getOption(.bufferedWritableBytes).get() == 0)
                try await channel.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func waterMarksAreTheUsers(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) {
                    $0.channelOption(.writeBufferWaterMark, value: .init(low: 2, high: 4))
                } handlers: {
                    [recorder]
                }
                let mark = try await channel.getOption(.writeBufferWaterMark).get()
                #expect(mark.low == 2 && mark.high == 4)
                try await channel.eventLoop.submit {
                    channel.write(ByteBuffer(string: "1234"), promise: nil)
                    #expect(channel.isWritable)
                    channel.write(ByteBuffer(string: "5"), promise: nil)
                    #expect(!channel.isWritable)
                    channel.flush()
                }.get()
                #expect(await pair.read(count: 5) == Array("12345".utf8))
                await recorder.wait(for: "writable:true")
                try await channel.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatHasLeftDoesNotCount(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) {
                    $0.channelOption(.writeBufferWaterMark, value: .init(low: 2, high: 4))
                } handlers: {
                    [recorder]
                }
                for _ in 0..<20 {
                    try await channel.writeAndFlush(ByteBuffer(string: "123"))
                    #expect(channel.isWritable)
                    #expect(await pair.read(count: 3) == Array("123".utf8))
                }
                #expect(!recorder.events.contains { $0.hasPrefix("writable") })
                try await channel.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func nothingIsReadThatNobodyAskedFor(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) {
                    $0.channelOption(.autoRead, value: false)
                } handlers: {
                    [recorder]
                }
                pair.write("one")
                // The loop has turned, and had the bytes at hand.
                for _ in 0..<20 { try await channel.eventLoop.submit {}.get() }
                #expect(recorder.text == "")
                channel.read()
                await recorder.wait(for: "read:one")
                pair.write("two")
                for _ in 0..<20 { try await channel.eventLoop.submit {}.get() }
                #expect(recorder.text == "one")
                // From here on by itself.
                try await channel.setOption(.autoRead, value: true).get()
                await recorder.wait(for: "read:two")
                pair.write("three")
                await recorder.wait(for: "read:three")
                try await channel.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatWasHeldBackComesBeforeTheEnd(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) {
                    $0.channelOption(.autoRead, value: false)
                } handlers: {
                    [recorder]
                }
                pair.write("last words")
                pair.closePeer()
                for _ in 0..<20 { try await channel.eventLoop.submit {}.get() }
                channel.read()
                await recorder.wait(for: "read:")
                channel.read()
                try await channel.closeFuture.get()
                #expect(recorder.text == "last words")
                #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func messagesAreAsLargeAsTheAllocatorSays(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) {
                    $0.channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4))
                        .channelOption(.maxMessagesPerRead, value: 2)
                } handlers: {
                    [recorder]
                }
                pair.write("abcdefghijklm")
                await recorder.wait(for: "read:m")
                pair.closePeer()
                try await channel.closeFuture.get()
                let told = recorder.events.dropFirst(2).prefix { $0.hasPrefix("read") }
                #expect(
                    Array(told) == [
                        "read:abcd", "read:efgh", "readComplete", "read:ijkl", "read:m", "readComplete",
                        "readComplete",
                    ]
                )
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func keptMessagesStayWhatTheyWere(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let kept = NIOLockedValueBox<[ByteBuffer]>([])
                let keeper = Keeper(kept)
                let channel = try await pair.makeChannel(on: group) { [keeper] }
                for number in 0..<20 {
                    pair.write("message \(number)")
                    while kept.withLockedValue({ $0.count }) <= number {
                        try await channel.eventLoop.submit {}.get()
                    }
                }
                #expect(
                    kept.withLockedValue { $0.map { String(buffer: $0) } } == (0..<20).map { "message \($0)" }
                )
                try await channel.close()
            }
        }

        private final class Keeper: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            private let kept: NIOLockedValueBox<[ByteBuffer]>

            init(_ kept: NIOLockedValueBox<[ByteBuffer]>) { self.kept = kept }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                kept.withLockedValue { $0.append(Self.unwrapInboundIn(data)) }
            }
        }
    }
#endif
