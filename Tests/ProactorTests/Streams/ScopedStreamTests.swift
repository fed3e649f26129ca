import SystemPackage
import Testing

@testable import Proactor

@Suite struct ScopedStreamTests {
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func aScopeClosesInEveryWayOut(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            for throwsError in [false, true] {
                let pair = try SocketPair(socket)
                let peer = RawPeer(pair.second)
                var kept: StreamWriter?
                let scope = loop.createTask { () async throws -> String in
                    try await loop.withConnection(socket: pair.first) { reader, writer in
                        kept = writer
                        writer.write("question\n")
                        if throwsError { throw TestError(number: 1) }
                        return text(try await reader.readLine())
                    }
                }
                peer.write("answer\n")
                if throwsError {
                    #expect(throws: TestError(number: 1)) { try loop.runUntilComplete(scope) }
                } else {
                    #expect(try loop.runUntilComplete(scope) == "answer\n")
                }
                let writer = try #require(kept)
                #expect(writer.isClosing)
                // It is lost already.
                try loop.run { try await writer.waitClosed() }
                try loop.turn(until: {
                    peer.read()
                    return peer.isOver
                })
                #expect(peer.text == "question\n")
                peer.close()
                try loop.turnUntilClosed(writer.transport)
            }
        }
    }

    @Test(arguments: LoopKind.allCases, [true, false])
    func aCancelDoesNotWaitForAPeerThatDoesNotRead(kind: LoopKind, isInBody: Bool) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let scope = loop.createTask {
                try await loop.withUnixConnection(socket: pair.first) { reader, writer in
                    writer.write(patternBytes(4 << 20))
                    if isInBody { _ = try await reader.readLine() }
                }
            }
            try loop.settle(turns: 5)
            #expect(!scope.done)
            scope.cancel()
            if isInBody {
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(scope) }
            } else {
                try loop.runUntilComplete(scope)
            }
            peer.waitUntilOver()
            #expect(peer.received.count < 4 << 20)
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func pipesReadAndWrite(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let (reading, writing) = (pipe.lend(pipe.reading), pipe.lend(pipe.writing))
            let content = patternBytes(1 << 20)
            let sending = loop.createTask {
                try await loop.withWritePipe(writing) { writer in
                    #expect(writer.extraInfo(.pipe) == writing)
                    for start in stride(from: 0, to: content.count, by: 1 << 16) {
                        writer.write(Array(content[start..<start + 1 << 16]))
                        try await writer.drain()
                    }
                }
            }
            try loop.run { () async throws in
                let reader = try await loop.openReadPipe(reading)
                #expect(try await reader.readExactly(10) == Array(content[..<10]))
                #expect(try await reader.readToEnd() == Array(content[10...]))
                try await sending.value()
                #expect(reader.atEOF && reader.transport?.isClosing == true)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReadPipeIsClosedByItsScope(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let reading = pipe.lend(pipe.reading)
            pipe.write(Array("line\nrest".utf8))
            let line = try loop.run { try await loop.withReadPipe(reading) { text(try await $0.readLine()) } }
            #expect(line == "line\n")
            try loop.settle(turns: 5)
            #expect(pipe.isUnread())
            #expect(throws: EventLoopError.self) {
                try loop.run { _ = try await loop.openReadPipe(reading, limit: 0) }
            }
            #expect(throws: PipeError.self) {
                try loop.run { _ = try await loop.openReadPipe(pipe.writing) }
            }
        }
    }

    // Pitfall 64
    @Test(arguments: LoopKind.allCases)
    func aWriterWhosePipeNobodyReadsThrows(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let writing = pipe.lend(pipe.writing)
            let writer = try loop.run { try await loop.openWritePipe(writing) }
            let sending = loop.createTask {
                while true {
                    writer.write(patternBytes(10_000))
                    try await writer.drain()
                }
            }
            try loop.settle(turns: 3)
            pipe.close(pipe.reading)
            #expect(throws: PipeError.failed(.write, .brokenPipe)) { try loop.runUntilComplete(sending) }
            try loop.turnUntilClosed(writer.transport)
        }
    }
}
