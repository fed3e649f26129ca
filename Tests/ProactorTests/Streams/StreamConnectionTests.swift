import SystemPackage
import Testing

@testable import Proactor

/// Streams over a connection whose other end is the test's own.
@Suite struct StreamConnectionTests {
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func whatIsWrittenArrivesInEveryForm(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams(over: socket)
            let writer = streams.writer
            #expect(writer.canWriteEOF && !writer.isClosing)
            #expect(writer.transport === streams.reader.transport)
            if socket == .tcp { #expect(writer.extraInfo(.peerName) != nil) }
            try loop.run { () async throws in
                writer.write([UInt8]("one ".utf8))
                writer.write("two ")
                writer.write([UInt8]("three ".utf8).span.bytes)
                writer.write(OwnedBuffer(Array("four ".utf8)))
                writer.writeLines([Array("five ".utf8), Array("six".utf8)])
                try await writer.drain()
                writer.writeEOF()
            }
            try loop.turn(until: {
                streams.peer.read()
                return streams.peer.sawEnd
            })
            #expect(streams.peer.text == "one two three four five six")
            // This side's end is not the other's.
            streams.peer.write("answer\n")
            #expect(text(try loop.run { try await streams.reader.readLine() }) == "answer\n")
            streams.peer.finish()
            try loop.run { () async throws in
                #expect(try await streams.reader.readLine() == [])
                #expect(streams.reader.atEOF && !writer.isClosing)
                writer.close()
                try await writer.waitClosed()
                #expect(writer.isClosing)
            }
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskGoesOnWithinTheDelivery(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams()
            var readInTurn: UInt32?
            let reading = loop.createTask {
                try await streams.reader.readLine { _ in readInTurn = loop.turnNumber }
                streams.writer.write("answer")
            }
            try loop.settle(turns: 2)
            #expect(readInTurn == nil)
            streams.peer.write("question\n")
            try loop.turn(until: { readInTurn != nil })
            #expect(readInTurn == loop.turnNumber)
            try loop.runUntilComplete(reading)
            try loop.turn(until: {
                streams.peer.read()
                return streams.peer.text == "answer"
            })
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aResetIsThrownAfterWhatCameBefore(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams(over: .tcp)
            let reading = loop.createTask { () async throws -> [String] in
                var read = [text(try await streams.reader.readLine())]
                do {
                    read.append(text(try await streams.reader.readLine()))
                } catch let error as SocketError {
                    read.append("\(error.errno == .connectionReset)")
                }
                // The bytes that were no whole line.
                read.append(text(try await streams.reader.read(upTo: 100)))
                return read
            }
            streams.peer.write("a line\nhalf")
            try loop.turn(until: { streams.reader.buffer.count == 4 })
            streams.peer.reset()
            #expect(try loop.runUntilComplete(reading) == ["a line\n", "true", "half"])
            #expect(throws: SocketError.self) { try loop.run { try await streams.reader.read(upTo: 1) } }
            #expect(!streams.reader.atEOF)
            #expect((streams.reader.exception as? SocketError)?.errno == .connectionReset)
            #expect(throws: SocketError.self) { try loop.run { try await streams.writer.drain() } }
            #expect(throws: SocketError.self) { try loop.run { try await streams.writer.waitClosed() } }
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func everyReadHearsOfAReset(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reads: [(StreamReader) async throws -> Void] = [
                { _ = try await $0.read(upTo: 10) },
                { _ = try await $0.readExactly(10) },
                { _ = try await $0.readUntil("\r\n") },
                { _ = try await $0.readToEnd() },
            ]
            for read in reads {
                let streams = try loop.openStreams(over: .tcp)
                let reading = loop.createTask { try await read(streams.reader) }
                try loop.settle(turns: 2)
                streams.peer.reset()
                let error = #expect(throws: SocketError.self) { try loop.runUntilComplete(reading) }
                #expect(error?.errno == .connectionReset)
                try loop.finish(streams)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func closingEndsAReadThatWaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams()
            let reading = loop.createTask { try await streams.reader.readLine() }
            try loop.settle(turns: 2)
            streams.writer.close()
            #expect(try loop.runUntilComplete(reading) == [])
            #expect(streams.reader.atEOF)
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReaderDoesNotChangeItsLoop(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            let other = try kind.makeLoop()
            reader.feedData("before")
            #expect(text(try other.run { try await reader.read(upTo: 3) }) == "bef")
            try other.close()
            let pair = try SocketPair(.unix)
            defer { try? pair.second.close() }
            let (transport, _) = try loop.run { () async throws in
                try await loop.createConnection(socket: pair.first) {
                    StreamReaderProtocol(try StreamReader())
                }
            }
            #expect(throws: EventLoopError.self) { try reader.setTransport(transport) }
            #expect(reader.transport == nil)
            transport.abort()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aProtocolOfOnesOwnMakingConnectsAReader(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let reader = try StreamReader(limit: 100)
            let (transport, streams) = try loop.run { () async throws in
                try await loop.createConnection(socket: pair.first) { StreamReaderProtocol(reader) }
            }
            let writer = StreamWriter(transport, streams)
            #expect(reader.transport === transport)
            #expect(throws: EventLoopError.self) { try reader.setTransport(transport) }
            peer.write("in")
            #expect(text(try loop.run { try await reader.readExactly(2) }) == "in")
            writer.write("out")
            try loop.turn(until: {
                peer.read()
                return peer.text == "out"
            })
            writer.close()
            try loop.run { try await writer.waitClosed() }
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aConnectionIsTakenOverFromAnotherProtocol(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let reader = try StreamReader()
            let streams = StreamReaderProtocol(reader)
            transport.setProtocol(streams)
            try streams.connectionMade(transport)
            let writer = StreamWriter(transport, streams)
            peer.write("line\n")
            #expect(text(try loop.run { try await reader.readLine() }) == "line\n")
            writer.close()
            try loop.run { try await writer.waitClosed() }
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aWriterThatIsDroppedOpenIsWarnedOfInDebugMode(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for debug in [true, false] {
                loop.debug = debug
                let pair = try SocketPair(.unix)
                let peer = RawPeer(pair.second)
                let lines = try LogCapture.lines {
                    let reader = try loop.run { try await loop.openConnection(socket: pair.first).reader }
                    #expect(reader.transport?.isClosing == false)
                    // Nobody can write any more: the peer's end is the connection's.
                    peer.write("rest")
                    peer.finish()
                    #expect(text(try loop.run { try await reader.readToEnd() }) == "rest")
                    try loop.turn(until: {
                        peer.read(); return peer.isOver
                    })
                    try loop.turnUntilClosed(try #require(reader.transport))
                }
                #expect(lines.count { $0.contains("writer was dropped") } == (debug ? 1 : 0))
                let closed = try LogCapture.lines {
                    let streams = try loop.openStreams()
                    try loop.finish(streams)
                }
                // Debug mode may find a step slow on a busy machine.
                #expect(!closed.contains { $0.contains("dropped") })
                peer.close()
            }
            loop.debug = false
        }
    }
}
