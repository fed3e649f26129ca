#if NIO
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    @Suite struct FileRegionTests {
        private let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

        @Test(arguments: NIOLoopKind.allCases)
        func filesComeBetweenTheBytesAroundThem(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let handle = try folder.file(content, called: "content")
                let pair = try RawSocketPair()
                let channel = try await pair.makeChannel(on: group) { [] }
                let order = NIOLockedValueBox<[Int]>([])
                let region = FileRegion(fileHandle: handle, readerIndex: 1_000, endIndex: 200_000)
                channel.eventLoop.execute {
                    let writes: [IOData] = [
                        .byteBuffer(ByteBuffer(string: "head")), .fileRegion(region),
                        .byteBuffer(ByteBuffer(string: "middle")),
                        .fileRegion(FileRegion(fileHandle: handle, readerIndex: 0, endIndex: 10)),
                        .byteBuffer(ByteBuffer(string: "tail")),
                    ]
                    for (number, write) in writes.enumerated() {
                        channel.write(write).whenSuccess { order.withLockedValue { $0.append(number) } }
                    }
                    channel.flush()
                    // What was flushed is sent before.
                    channel.close(promise: nil)
                }
                let received = await pair.readToEnd()
                try await channel.closeFuture.get()
                let expected =
                    Array("head".utf8) + content[1_000..<200_000] + Array("middle".utf8) + content[..<10]
                #expect(received == expected + Array("tail".utf8))
                #expect(order.withLockedValue { $0 } == Array(0..<5))
                // It is the program's still.
                #expect(handle.isOpen)
                try handle.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aFileThatIsShorterThanPromisedClosesTheChannel(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let handle = try folder.file([1, 2, 3], called: "short")
                let pair = try RawSocketPair()
                let channel = try await pair.makeChannel(on: group) { [] }
                await #expect(throws: ChannelError.eof) {
                    try await channel.writeAndFlush(
                        FileRegion(fileHandle: handle, readerIndex: 0, endIndex: 10)
                    )
                }
                try await channel.closeFuture.get()
                #expect(await pair.readToEnd() == [1, 2, 3])
                try handle.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aFileThatIsClosedFailsItsPromise(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let handle = try folder.file([1], called: "closed")
                let region = FileRegion(fileHandle: handle, readerIndex: 0, endIndex: 1)
                try handle.close()
                let pair = try RawSocketPair()
                let channel = try await pair.makeChannel(on: group) { [] }
                await #expect(throws: (any Error).self) { try await channel.writeAndFlush(region) }
                try await channel.closeFuture.get()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatComesWhileAFileIsSentIsReadAfterIt(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let folder = try TemporaryFolder()
                let handle = try folder.file(content, called: "content")
                let pair = try RawSocketPair()
                let recorder = Recorder()
                let channel = try await pair.makeChannel(on: group) { [recorder] }
                let sent = channel.eventLoop.makePromise(of: Void.self)
                let region = FileRegion(fileHandle: handle, readerIndex: 0, endIndex: content.count)
                channel.writeAndFlush(region, promise: sent)
                pair.write("meanwhile")
                #expect(await pair.read(count: content.count) == content)
                try await sent.futureResult.get()
                await recorder.wait(for: "read:")
                pair.write("later")
                await recorder.wait(for: "read:later")
                #expect(recorder.text == "meanwhilelater")
                try await channel.close()
                try handle.close()
            }
        }
    }
#endif
