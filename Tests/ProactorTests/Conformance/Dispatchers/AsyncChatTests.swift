import SystemPackage
import Testing

@testable import Proactor

/// asynchat's channel, over the readers and writers of every loop.
@Suite struct AsyncChatTests {
    private final class Chat: AsyncChat {
        var pieces: [String] = []
        var current: [UInt8] = []
        var onPiece: ((Chat) throws -> Void)?

        override func collectIncomingData(_ data: [UInt8]) {
            #expect(!data.isEmpty)
            current += data
        }

        override func foundTerminator() throws {
            pieces.append(String(decoding: current, as: UTF8.self))
            current = []
            try onPiece?(self)
        }
    }

    private func connect(_ loop: BaseEventLoop) throws -> (map: DispatcherMap, chat: Chat, peer: RawPeer) {
        let map = try DispatcherMap(of: loop)
        let pair = try SocketPair(.unix)
        return (map, try Chat(socket: pair.first, map: map), RawPeer(pair.second))
    }

    /// The simple way: from the left, byte by byte.
    private func pieces(of text: String, endedBy terminator: String) -> [String] {
        var pieces: [[UInt8]] = [[]]
        for byte in text.utf8 {
            pieces[pieces.count - 1].append(byte)
            guard pieces[pieces.count - 1].reversed().starts(with: terminator.utf8.reversed()) else {
                continue
            }
            pieces[pieces.count - 1].removeLast(terminator.utf8.count)
            pieces.append([])
        }
        return pieces.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whatever the pieces are that the bytes come in.
    @Test(arguments: LoopKind.allCases, ["\n", "\r\n", "\r\n\r\n", "aab", "aa"])
    func terminatorsAreFoundHoweverTheBytesCome(kind: LoopKind, terminator: String) async throws {
        try await kind.withLoop { loop in
            let text = "aaab\r\n\r\na\r\r\n\naabaab\n\n\r\n\r\nab\raaaab\n\r\n"
            var expected = pieces(of: text, endedBy: terminator)
            let rest = expected.removeLast()
            for size in [1, 2, 3, 7, 100] {
                let (map, chat, peer) = try connect(loop)
                try chat.setTerminator(.bytes(Array(terminator.utf8)))
                chat.inputBufferSize = size
                peer.write(text)
                peer.finish()
                try map.loop()
                #expect(chat.pieces == expected, "\(size) bytes at a time")
                // What may be the beginning of a terminator is never collected.
                let left = String(decoding: chat.current, as: UTF8.self)
                let held = Array(rest.utf8.dropFirst(left.utf8.count))
                #expect(Array(rest.utf8).starts(with: left.utf8) && Array(terminator.utf8).starts(with: held))
                peer.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func countsLinesAndNothingTakeTurns(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for size in [1, 5, 1000] {
                let (map, chat, peer) = try connect(loop)
                chat.inputBufferSize = size
                try chat.setTerminator(.bytes(Array("\n".utf8)))
                chat.onPiece = { chat in
                    switch chat.pieces.count {
                    case 1:
                        try chat.setTerminator(.count(4))
                        #expect(chat.terminator == .count(4))
                    case 2:
                        // As many as were asked for have come.
                        #expect(chat.terminator == .none)
                        try chat.setTerminator(.bytes(Array("--".utf8)))
                    default: try chat.setTerminator(.none)
                    }
                }
                peer.write("head\nbodymore--rest\nof--it")
                peer.finish()
                try map.loop()
                #expect(chat.pieces == ["head", "body", "more"])
                #expect(String(decoding: chat.current, as: UTF8.self) == "rest\nof--it")
                peer.close()
            }
            let (map, chat, peer) = try connect(loop)
            for terminator in [AsyncChat.Terminator.bytes([]), .count(0), .count(-1)] {
                #expect(throws: EventLoopError.self) { try chat.setTerminator(terminator) }
            }
            map.closeAll()
            peer.close()
        }
    }

    /// Ten thousand lines in one segment.
    @Test(arguments: LoopKind.allCases)
    func manyLinesInOneSegmentCostNoMoreThanTheyHold(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (map, chat, peer) = try connect(loop)
            try chat.setTerminator(.bytes(Array("\n".utf8)))
            peer.write(String(repeating: "line\n", count: 10_000))
            peer.finish()
            try map.loop()
            #expect(chat.pieces.count == 10_000 && chat.pieces.allSatisfy { $0 == "line" })
            peer.close()
        }
    }

    private final class Countdown: ChatProducer {
        var left: Int

        init(_ left: Int) { self.left = left }

        func more() -> [UInt8] {
            defer { left -= 1 }
            return left > 0 ? patternBytes(10_000) : []
        }
    }

    @Test(arguments: LoopKind.allCases)
    func pushesAndProducersGoOutInOrderAndThenItCloses(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (map, chat, peer) = try connect(loop)
            try chat.push("begin")
            try chat.push([UInt8]())
            try chat.pushWithProducer(Countdown(100))
            try chat.pushWithProducer(Countdown(0))
            try chat.push(patternBytes(500_000))
            try chat.push("end")
            try chat.closeWhenDone()
            #expect(chat.writable())
            try loop.turn(until: {
                peer.read()
                return map.count == 0
            })
            try loop.settle()
            peer.waitUntilOver()
            var expected = Array("begin".utf8)
            for _ in 0..<100 { expected += patternBytes(10_000) }
            expected += patternBytes(500_000) + Array("end".utf8)
            #expect(peer.received == expected)
            #expect(chat.socket == nil)
        }
    }

    private final class Failing: ChatProducer {
        func more() throws -> [UInt8] { throw TestError(number: 9) }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsDiscardedIsNeitherSentNorCollected(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (map, chat, peer) = try connect(loop)
            try chat.setTerminator(.bytes(Array("\n".utf8)))
            chat.onPiece = { $0.discardBuffers() }
            try chat.push(patternBytes(5 << 20))
            #expect(chat.writable())
            peer.write("one\ntwo\nthree")
            try loop.turn(until: { chat.pieces.count == 1 })
            #expect(!chat.writable())
            peer.read()
            let received = peer.received.count
            chat.onPiece = nil
            peer.write("\n")
            try loop.turn(until: { chat.pieces.count == 2 })
            #expect(chat.pieces == ["one", ""])
            peer.read()
            #expect(peer.received.count == received && received < 5 << 20)
            #expect(throws: TestError(number: 9)) { try chat.pushWithProducer(Failing()) }
            map.closeAll()
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChannelThatIsClosedAmidItsPiecesHearsOfNoMore(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (map, chat, peer) = try connect(loop)
            try chat.setTerminator(.count(1))
            chat.onPiece = { chat in
                try chat.setTerminator(.count(1))
                chat.close()
            }
            peer.write("abc")
            try map.loop()
            #expect(chat.pieces == ["a"])
            try loop.settle()
            peer.waitUntilOver()
        }
    }
}
