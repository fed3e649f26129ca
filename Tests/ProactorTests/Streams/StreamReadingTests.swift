import Testing

@testable import Proactor

/// Reads of what is there, by a reader that the test feeds.
@Suite struct StreamReadingTests {
    @Test(arguments: LoopKind.everywhere)
    func readsInEveryForm(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            reader.feedData("one\ntwo three;four,five12345rest and end")
            try loop.run { () async throws in
                #expect(text(try await reader.readLine()) == "one\n")
                #expect(text(try await reader.readUntil(" ")) == "two ")
                #expect(text(try await reader.readUntil(UInt8(ascii: ";"))) == "three;")
                #expect(text(try await reader.readUntil(anyOf: [[1], Array(",".utf8)])) == "four,")
                #expect(text(try await reader.readExactly(4)) == "five")
                #expect(text(try await reader.readUntil(Array("345".utf8))) == "12345")
                #expect(text(try await reader.read(upTo: 4)) == "rest")
                #expect(try await reader.readExactly(0) == [])
                #expect(try await reader.read(upTo: 0) == [])
                reader.feedEOF()
                #expect(!reader.atEOF)
                #expect(text(try await reader.readToEnd()) == " and end")
                #expect(reader.atEOF)
                #expect(try await reader.read(upTo: 10) == [])
                #expect(try await reader.readLine() == [])
                #expect(try await reader.readToEnd() == [])
                #expect(try await reader.readExactly(0) == [])
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func lendsInEveryForm(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            reader.feedData("one\ntwo three;four,five12345rest and end")
            reader.feedEOF()
            try loop.run { () async throws in
                var lent: [String] = []
                func keep(_ bytes: RawSpan) { lent.append(String(decoding: bytes, as: UTF8.self)) }
                try await reader.readLine(keep)
                try await reader.readUntil(" ", keep)
                try await reader.readUntil(UInt8(ascii: ";"), keep)
                try await reader.readUntil(anyOf: [[1], Array(",".utf8)], keep)
                try await reader.readExactly(4, keep)
                try await reader.readUntil(Array("345".utf8), keep)
                try await reader.read(upTo: 4, keep)
                try await reader.readToEnd(keep)
                try await reader.readLine(keep)
                #expect(
                    lent == ["one\n", "two ", "three;", "four,", "five", "12345", "rest", " and end", ""]
                )
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatWasLentIsReadAlsoByAClosureThatThrows(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            reader.feedData("first\nsecond\n")
            try loop.run { () async throws in
                await #expect(throws: TestError.self) { try await reader.readLine { _ in throw TestError() } }
                // Fed while the bytes are lent, it comes behind them.
                let length = try await reader.readExactly(3) { bytes in
                    reader.feedData("third\n")
                    reader.feedEOF()
                    #expect(!reader.atEOF)
                    return bytes.byteCount
                }
                #expect(length == 3)
                #expect(text(try await reader.readToEnd()) == "ond\nthird\n")
                #expect(reader.atEOF)
            }
        }
    }

    // Pitfall 63
    @Test(arguments: LoopKind.allCases)
    func readToEndIsNotBoundByTheLimit(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams(over: .tcp, limit: 10)
            let content = patternBytes(3 << 20)
            let reading = loop.createTask { try await streams.reader.readToEnd() }
            var sent = 0
            try loop.turn(until: {
                sent += streams.peer.write(content[sent...].prefix(1 << 20))
                return sent == content.count
            })
            streams.peer.finish()
            #expect(try loop.runUntilComplete(reading) == content)
            try loop.finish(streams)
        }
    }

    // Behaviour 38
    @Test(arguments: LoopKind.everywhere)
    func anEndBeforeAllHasComeIsIncomplete(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for isLate in [false, true] {
                let exactly = try StreamReader()
                let until = try StreamReader()
                let line = try StreamReader()
                let feed = {
                    for reader in [exactly, until, line] {
                        reader.feedData("partial")
                        reader.feedEOF()
                    }
                }
                if isLate { try loop.callSoon(feed) } else { feed() }
                try loop.run { () async throws in
                    await #expect(throws: IncompleteReadError(partial: Array("partial".utf8), expected: 100))
                    {
                        _ = try await exactly.readExactly(100)
                    }
                    await #expect(throws: IncompleteReadError(partial: Array("partial".utf8), expected: nil))
                    {
                        _ = try await until.readUntil("--")
                    }
                    #expect(text(try await line.readLine()) == "partial")
                    for reader in [exactly, until, line] { #expect(reader.atEOF) }
                    await #expect(throws: IncompleteReadError(partial: [], expected: 1)) {
                        _ = try await exactly.readExactly(1)
                    }
                }
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatMeansNothingIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            func isRefused(_ body: () async throws -> Void) async {
                do {
                    try await body()
                    Issue.record("it was not refused")
                } catch EventLoopError.invalidArgument {
                } catch {
                    Issue.record("refused by \(error)")
                }
            }
            let reader = try StreamReader()
            reader.feedData("data")
            try loop.run { () async throws in
                for limit in [0, -1, Int.min] {
                    await isRefused { _ = try StreamReader(limit: limit) }
                    await isRefused {
                        _ = try await loop.openConnection(host: "127.0.0.1", port: 1, limit: limit)
                    }
                    await isRefused { _ = try await loop.openUnixConnection(path: "/nowhere", limit: limit) }
                    await isRefused {
                        _ = try await loop.startServer(host: "127.0.0.1", port: 0, limit: limit) { _, _ in }
                    }
                    await isRefused {
                        _ = try await loop.startUnixServer(path: "/nowhere", limit: limit) { _, _ in }
                    }
                }
                await isRefused { _ = try await reader.readUntil("") }
                await isRefused { _ = try await reader.readUntil([]) }
                await isRefused { _ = try await reader.readUntil(anyOf: [String]()) }
                await isRefused { _ = try await reader.readUntil(anyOf: [[1], []]) }
                await isRefused { _ = try await reader.read(upTo: -1) }
                await isRefused { _ = try await reader.readExactly(-1) }
                #expect(text(try await reader.readExactly(4)) == "data")
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anExceptionIsThrownWhateverThereIs(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            reader.feedData("some data\n")
            let waiting = try StreamReader()
            let read = loop.createTask { try await waiting.readLine() }
            try loop.settle(turns: 3)
            for reader in [reader, waiting] { reader.setException(TestError(number: 7)) }
            #expect(throws: TestError(number: 7)) { try loop.runUntilComplete(read) }
            #expect(reader.exception as? TestError == TestError(number: 7))
            try loop.run { () async throws in
                await #expect(throws: TestError(number: 7)) { _ = try await reader.read(upTo: 1) }
                await #expect(throws: TestError(number: 7)) { _ = try await reader.readLine() }
                await #expect(throws: TestError(number: 7)) { _ = try await reader.readUntil("s") }
                await #expect(throws: TestError(number: 7)) { _ = try await reader.readExactly(1) }
                await #expect(throws: TestError(number: 7)) { _ = try await reader.readToEnd() }
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anyMixOfReadsAndSegmentsReadsTheStream(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var random = SeededGenerator(seed: 0x5eed)
            for round in 0..<20 {
                let content = patternBytes(100_000 + round, seed: round)
                let reader = try StreamReader(limit: 1 << 20)
                var fed = 0
                func feed() throws {
                    guard fed < content.count else { return reader.feedEOF() }
                    let sizes = [1, 3, 64, 700, 5_000, 20_000]
                    let count = min(sizes.randomElement(using: &random)!, content.count - fed)
                    reader.feedData(Array(content[fed..<fed + count]))
                    fed += count
                    if Bool.random(using: &random) { try loop.callSoon { try feed() } } else { try feed() }
                }
                try loop.callSoon { try feed() }
                var choices = SeededGenerator(seed: UInt64(round))
                let read = try loop.run { () async throws -> [UInt8] in
                    var read: [UInt8] = []
                    while !reader.atEOF {
                        let count = Int.random(in: 1...9_000, using: &choices)
                        do {
                            switch Int.random(in: 0..<5, using: &choices) {
                            case 0: read += try await reader.read(upTo: count)
                            case 1: read += try await reader.readExactly(count)
                            case 2: read += try await reader.readUntil(UInt8(truncatingIfNeeded: count))
                            case 3: read += try await reader.readUntil([UInt8(truncatingIfNeeded: count), 7])
                            default: read += try await reader.readLine()
                            }
                        } catch let error as IncompleteReadError {
                            read += error.partial
                        }
                    }
                    return read
                }
                #expect(read == content)
            }
        }
    }
}
