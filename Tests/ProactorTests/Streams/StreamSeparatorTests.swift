import Testing

@testable import Proactor

// Behaviour 38, Pitfall 67
@Suite struct StreamSeparatorTests {
    @Test(arguments: LoopKind.everywhere, ["\n", "\r\n", "--boundary--"])
    func aSeparatorMayComeInAnyNumberOfPieces(kind: LoopKind, separator: String) async throws {
        try await kind.withLoop { loop in
            let content = Array("begin of it\(separator)rest".utf8)
            let end = content.count - 4
            for cut in 1..<content.count {
                let reader = try StreamReader()
                reader.feedData(Array(content[..<cut]))
                let reading = loop.createTask { try await reader.readUntil(separator) }
                try loop.settle(turns: 2)
                #expect(reading.done == (cut >= end))
                reader.feedData(Array(content[cut...]))
                #expect(try loop.runUntilComplete(reading) == Array(content[..<end]))
                #expect(try loop.run { text(try await reader.readExactly(4)) } == "rest")
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func oneByteASegment(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams(over: .tcp)
            let content = Array("GET / HTTP/1.1\r\nHost: here\r\n\r\n".utf8)
            let reading = loop.createTask {
                let first = try await streams.reader.readUntil("\r\n")
                return (text(first), text(try await streams.reader.readUntil("\r\n\r\n")))
            }
            for byte in content {
                streams.peer.write([byte])
                try loop.settle(turns: 2)
            }
            let (first, rest) = try loop.runUntilComplete(reading)
            #expect(first == "GET / HTTP/1.1\r\n")
            #expect(rest == "Host: here\r\n\r\n")
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func ofSeveralTheOneThatEndsFirstCounts(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let cases: [(content: String, separators: [String], piece: String)] = [
                ("some dataAAAB", ["A", "AAA"], "some dataA"),
                ("some dataAAAB", ["AAA", "A"], "some dataA"),
                ("text--end-", ["-end", "--", "-end-"], "text--"),
                ("a;b\r\nc", ["\r\n", ";"], "a;"),
                ("line\r\nnext", ["\n", "\r\n"], "line\r\n"),
                ("xxABCDE", ["BCDE", "ABC"], "xxABC"),
                ("xxABCDE", ["ABCDE", "D"], "xxABCD"),
            ]
            for (content, separators, piece) in cases {
                for cut in 0...content.utf8.count {
                    let reader = try StreamReader()
                    let bytes = Array(content.utf8)
                    reader.feedData(Array(bytes[..<cut]))
                    let reading = loop.createTask { text(try await reader.readUntil(anyOf: separators)) }
                    try loop.settle(turns: 2)
                    reader.feedData(Array(bytes[cut...]))
                    #expect(try loop.runUntilComplete(reading) == piece)
                }
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anOverrunOfReadUntilLeavesTheDataInPlace(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for isLate in [false, true] {
                let reader = try StreamReader(limit: 8)
                let feed = { reader.feedData("longer than the limit--") }
                if isLate { try loop.callSoon(feed) } else { feed() }
                try loop.run { () async throws in
                    let found = await #expect(throws: LimitOverrunError.self) {
                        _ = try await reader.readUntil("--")
                    }
                    #expect(found?.consumed == 21)
                    let missing = await #expect(throws: LimitOverrunError.self) {
                        _ = try await reader.readUntil("==")
                    }
                    // The last byte may be the first of a separator.
                    #expect(missing?.consumed == 22)
                    #expect(
                        text(try await reader.readExactly(found?.consumed ?? 0)) == "longer than the limit"
                    )
                    #expect(text(try await reader.readUntil("--")) == "--")
                }
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatIsWithinTheLimitIsNoOverrun(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader(limit: 8)
            reader.feedData("12345678\n123456789\nnext\n")
            try loop.run { () async throws in
                #expect(text(try await reader.readLine()) == "12345678\n")
                let error = await #expect(throws: LimitOverrunError.self) { _ = try await reader.readLine() }
                #expect(error?.consumed == 9)
                // A line too long is dropped, and no more than that.
                #expect(text(try await reader.readLine()) == "next\n")
                reader.feedData("a long line whose end has not come")
                await #expect(throws: LimitOverrunError.self) { _ = try await reader.readLine() }
                reader.feedData("\nnext\n")
                #expect(text(try await reader.readLine()) == "\n")
                #expect(text(try await reader.readLine()) == "next\n")
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func tenThousandLinesInOneSegment(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            let lines = (0..<10_000).map { "line \($0)\n" }
            reader.feedData(lines.joined())
            reader.feedEOF()
            try loop.run { () async throws in
                var read: [String] = []
                for try await line in reader.lines { read.append(text(line)) }
                #expect(read == lines)
                #expect(reader.atEOF)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLineOfAHundredMegabytesIsRefusedAndHeldBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams(over: .tcp)
            let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            let reading = loop.createTask { () async throws -> Int in
                var dropped = 0
                while true {
                    do {
                        let line = try await streams.reader.readUntil("\n") { $0.byteCount }
                        return dropped + line
                    } catch let error as LimitOverrunError {
                        dropped += try await streams.reader.readExactly(error.consumed) { $0.byteCount }
                        #expect(streams.reader.buffer.count <= 4 << 20)
                    }
                }
            }
            var left = 100 << 20
            while left > 0 {
                // The wait is for each piece, however long all of them take.
                try loop.turn(until: {
                    let sent = streams.peer.write(chunk[..<min(left, chunk.count)])
                    left -= sent
                    return sent > 0
                })
            }
            streams.peer.write("\n")
            #expect(try loop.runUntilComplete(reading) == (100 << 20) + 1)
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aLongLineIsSearchedOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // In pieces of 4 KiB, 64 MiB would take minutes if each were a search from the start.
            let reader = try StreamReader(limit: 1 << 30)
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 4096)
            let reading = loop.createTask { try await reader.readUntil("\r\n") { $0.byteCount } }
            try loop.settle(turns: 2)
            for _ in 0..<16_384 { reader.feedData(piece) }
            reader.feedData("\r\n")
            #expect(try loop.runUntilComplete(reading) == (64 << 20) + 2)
        }
    }
}
