import SystemPackage
import Testing

@testable import Proactor

/// Back-pressure, both ways.
@Suite struct StreamFlowTests {
    @Test(arguments: LoopKind.allCases)
    func theReaderPausesAtTwiceItsLimitAndResumesAtIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams(limit: 100)
            let reader = streams.reader
            let transport = try #require(reader.transport)
            streams.peer.write(patternBytes(200))
            try loop.turn(until: { reader.buffer.count == 200 })
            #expect(transport.isReading)
            streams.peer.write([1])
            try loop.turn(until: { reader.buffer.count == 201 })
            #expect(!transport.isReading)
            streams.peer.write(patternBytes(5_000))
            try loop.settle(turns: 10)
            #expect(reader.buffer.count == 201)
            try loop.run { () async throws in
                _ = try await reader.readExactly(100)
                #expect(!transport.isReading)
                _ = try await reader.readExactly(1)
                #expect(transport.isReading)
                // What it waits for may be more than it would hold.
                #expect(try await reader.readExactly(5_100).count == 5_100)
            }
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPeerThatSendsWithoutEndIsHeldBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // A Unix socket holds a few hundred kilobytes everywhere; TCP's buffers are as large as a machine's memory permits.
            let streams = try loop.openStreams(over: .unix, limit: 1_000)
            let content = patternBytes(8 << 20)
            var sent = 0
            try loop.turn(until: {
                let count = streams.peer.write(content[sent...].prefix(1 << 20))
                sent += count
                return count == 0 && streams.reader.isSourcePaused
            })
            #expect(sent < content.count)
            try loop.settle()
            #expect(streams.reader.buffer.count < 1 << 20)
            // Nothing of it is lost.
            let reading = loop.createTask { () async throws -> [UInt8] in
                var all: [UInt8] = []
                for try await chunk in streams.reader.chunks {
                    #expect(chunk.count <= 1_000)
                    all += chunk
                }
                return all
            }
            try loop.turn(until: {
                sent += streams.peer.write(content[sent...].prefix(1 << 20))
                return sent == content.count
            })
            streams.peer.finish()
            #expect(try loop.runUntilComplete(reading) == content)
            try loop.finish(streams)
        }
    }

    // Pitfall 65, Behaviour 38
    @Test(arguments: LoopKind.allCases)
    func everyTaskInDrainWaitsAndGoesOn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams()
            streams.writer.write(patternBytes(4 << 20))
            #expect(streams.writer.transport.writeBufferSize > 64 << 10)
            let drains = (0..<5).map { _ in loop.createTask { try await streams.writer.drain() } }
            try loop.settle(turns: 5)
            #expect(drains.allSatisfy { !$0.done })
            drains[1].cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(drains[1]) }
            #expect(!drains[0].done)
            try loop.turn(until: {
                streams.peer.read()
                return drains.allSatisfy(\.done)
            })
            for index in [0, 2, 3, 4] { try drains[index].result() }
            #expect(streams.writer.transport.writeBufferSize <= 16 << 10)
            try loop.run { try await streams.writer.drain() }
            try loop.finish(streams)
        }
    }

    // Pitfall 64
    @Test(arguments: LoopKind.allCases)
    func drainThrowsOnceTheConnectionIsLost(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for isWritingMuch in [false, true] {
                let streams = try loop.openStreams(over: .tcp)
                let piece = patternBytes(isWritingMuch ? 100_000 : 1)
                let writing = loop.createTask {
                    while true {
                        streams.writer.write(piece)
                        try await streams.writer.drain()
                    }
                }
                try loop.settle(turns: 3)
                streams.peer.reset()
                #expect(throws: SocketError.self) { try loop.runUntilComplete(writing) }
                #expect(throws: SocketError.self) { try loop.run { try await streams.writer.drain() } }
                try loop.finish(streams)
            }
        }
    }

    // Pitfall 64
    @Test(arguments: LoopKind.allCases)
    func drainThrowsAfterACloseOfOnesOwn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams()
            let writing = loop.createTask {
                while true {
                    streams.writer.write("x")
                    try await streams.writer.drain()
                }
            }
            try loop.settle(turns: 3)
            streams.writer.close()
            let error = #expect(throws: SocketError.self) { try loop.runUntilComplete(writing) }
            #expect(error?.errno == .brokenPipe)
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func drainDoesNotWaitForNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams()
            try loop.run { () async throws in
                let turn = loop.turnNumber
                streams.writer.write("x")
                for _ in 0..<10 { try await streams.writer.drain() }
                #expect(loop.turnNumber == turn)
                // Who never waits for room leaves the others their turn all the same.
                for _ in 0..<1_000 { try await streams.writer.drain() }
                #expect(loop.turnNumber != turn)
            }
            let cancelled = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                try await streams.writer.drain()
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            try loop.finish(streams)
        }
    }

    // Pitfall 66, Behaviour 38
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func waitClosedDoesNotWaitForUnreadData(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            for finishes in [false, true] {
                let streams = try loop.openStreams(over: socket, limit: 10)
                streams.peer.write(patternBytes(50_000))
                if finishes { streams.peer.finish() }
                try loop.turn(until: { streams.reader.isSourcePaused })
                let waiters = (0..<3).map { _ in loop.createTask { try await streams.writer.waitClosed() } }
                try loop.settle(turns: 2)
                waiters[1].cancel()
                streams.writer.close()
                try loop.runUntilComplete(waiters[0])
                try loop.runUntilComplete(waiters[2])
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiters[1]) }
                try loop.run { try await streams.writer.waitClosed() }
                // What had come is there.
                #expect(try loop.run { try await streams.reader.readExactly(20) } == patternBytes(20))
                try loop.finish(streams)
            }
        }
    }
}
