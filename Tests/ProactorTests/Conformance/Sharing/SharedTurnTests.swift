import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Who floods the loop gets a share of each turn, and nobody else notices.
@Suite struct SharedTurnTests {
    struct Budget: CustomTestStringConvertible {
        var bytes: Int
        var share: Int
        var flood = 300_000
        var testDescription: String { "\(bytes) of which \(share)" }

        /// One byte, exactly the share, less than a piece, a ring's buffers.
        static let edges = [
            Budget(bytes: 1, share: 1, flood: 300), Budget(bytes: 100, share: 100, flood: 10_000),
            Budget(bytes: 100, share: 7, flood: 2_000), Budget(bytes: 8192, share: 8192),
            Budget(bytes: 65_536, share: 65_536), Budget(bytes: 65_537, share: 65_535),
            Budget(bytes: 1 << 20, share: 10, flood: 3_000),
        ]
    }

    @Test(arguments: LoopKind.allCases, Budget.edges)
    func allComesInOrderUnderEveryBudget(kind: LoopKind, budget: Budget) async throws {
        for pair in [SocketPair.Kind.unix, .tcp] {
            try await kind.withLoop { loop in
                loop.setBudget(bytes: budget.bytes, share: budget.share)
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connect(recorder, over: pair)
                let bytes = patternBytes(budget.flood)
                var sent = 0
                try loop.turn {
                    if sent < bytes.count { sent += peer.write(bytes[sent...].prefix(70_001)) }
                    if sent == bytes.count { peer.finish() }
                    return recorder.lostCount == 1
                }
                #expect(recorder.received == bytes)
                #expect(recorder.eofCount == 1)
                #expect(recorder.lostError == nil)
                try loop.finish(transport, peer)
            }
        }
    }

    @Test(arguments: LoopKind.allCases, Budget.edges)
    func pipesAndBufferedProtocolsHaveShares(kind: LoopKind, budget: Budget) async throws {
        try await kind.withLoop { loop in
            loop.setBudget(bytes: budget.bytes, share: budget.share)
            let (reader, buffered) = (RecordingProtocol(), RecordingBufferedProtocol(capacity: 5_000))
            let (end, pipe) = try loop.connectReader(reader)
            let (transport, peer) = try loop.connect(buffered, over: .tcp)
            let bytes = patternBytes(budget.flood)
            var (piped, sent) = (0, 0)
            try loop.turn {
                if piped < bytes.count { piped += pipe.write(bytes[piped...].prefix(20_000)) }
                if sent < bytes.count { sent += peer.write(bytes[sent...].prefix(70_001)) }
                return reader.received.count == bytes.count && buffered.received.count == bytes.count
            }
            #expect(reader.received == bytes)
            #expect(buffered.received == bytes)
            end.close()
            try loop.turnUntilClosed(end)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func datagramsKeepTheirOrderAndBounds(kind: LoopKind) async throws {
        for budget in [Budget(bytes: 1, share: 1), Budget(bytes: 100, share: 30)] {
            try await kind.withLoop { loop in
                loop.setBudget(bytes: budget.bytes, share: budget.share)
                let recorder = RecordingDatagramProtocol()
                let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
                let address = try #require(client.extraInfo(.socketName))
                let datagrams = (0..<100).map { patternBytes($0 % 40, seed: $0) }
                for datagram in datagrams { try peer.send(datagram, to: address) }
                try loop.turn { recorder.received.count == datagrams.count }
                #expect(recorder.received == datagrams)
                #expect(recorder.errors.isEmpty)
                try loop.finish(client)
            }
        }
    }

    enum Deed: CaseIterable, Sendable {
        case pause, close, abort, reset, finish
    }

    /// What the protocol or the peer does while more of its bytes wait for a share than it has had.
    @Test(arguments: LoopKind.allCases, Deed.allCases)
    func aFlooderMayDoAsItLikes(kind: LoopKind, deed: Deed) async throws {
        // In the middle of a share, at its end, and in a later one.
        for start in [1, 999, 1000, 2500] {
            try await kind.withLoop { loop in
                loop.setBudget(bytes: 4096, share: 1000)
                let recorder = RecordingProtocol()
                let bytes = patternBytes(60_000)
                let (transport, peer) = try loop.connect(recorder, over: .tcp)
                var isDone = false
                recorder.onData = { transport, _ in
                    guard !isDone, recorder.received.count >= start else { return }
                    isDone = true
                    switch deed {
                    case .pause: transport.pauseReading()
                    case .close: transport.close()
                    case .abort: transport.abort()
                    case .reset: peer.reset()
                    case .finish: peer.finish()
                    }
                }
                #expect(peer.write(bytes) == bytes.count)
                try loop.turn { isDone }
                switch deed {
                case .pause:
                    let received = recorder.received.count
                    try loop.settle(turns: 50)
                    #expect(recorder.received.count == received)
                    transport.resumeReading()
                    try loop.turn { recorder.received.count == bytes.count }
                    #expect(recorder.received == bytes)
                case .close, .abort:
                    try loop.turn { recorder.lostCount == 1 }
                    #expect(recorder.lostError == nil)
                case .reset:
                    try loop.turn { recorder.lostCount == 1 }
                    #expect((recorder.lostError as? SocketError)?.errno == .connectionReset)
                case .finish:
                    try loop.turn { recorder.lostCount == 1 }
                    #expect(recorder.received == bytes)
                    #expect(recorder.eofCount == 1)
                }
                #expect(recorder.received == Array(bytes.prefix(recorder.received.count)))
                try loop.finish(transport, peer)
            }
        }
    }

    /// A crowd that sends whenever the kernel takes something.
    private struct Flood {
        let loop: BaseEventLoop
        var flooders: [(transport: any Transport, peer: RawPeer)] = []
        let line = patternBytes(50_000)
        var byteCount: () -> Int

        init(_ count: Int, on loop: BaseEventLoop) throws {
            self.loop = loop
            let total = Total()
            byteCount = { total.bytes }
            for _ in 0..<count { flooders.append(try loop.connect(CountingProtocol(total))) }
        }

        func go() {
            for flooder in flooders { while flooder.peer.write(line) > 0 {} }
        }

        func end() throws {
            for flooder in flooders { try loop.finish(flooder.transport, flooder.peer) }
        }
    }

    private final class Total {
        var bytes = 0
    }

    private final class CountingProtocol: StreamProtocol {
        private let total: Total
        private(set) var bytes = 0

        init(_ total: Total) {
            self.total = total
        }

        func dataReceived(_ data: RawSpan) {
            bytes += data.byteCount
            total.bytes += data.byteCount
        }
    }

    /// What is delivered at most before somebody else has its turn: what a turn has, the piece that goes beyond it, and what was
    /// on its way; a kernel that does not count hands over all its buffers before it ends a receive.
    private static func bound(_ loop: BaseEventLoop, turn: Int) -> Int {
        let isOld = (loop.backend as? UringBackend).map { !$0.features.countedReceive } ?? false
        return 3 * (turn + 65_536) + (isOld ? 4 << 20 : 0)
    }

    @Test(arguments: LoopKind.allCases, [1, 4, 50])
    func whoAsksIsAnsweredAmidAFlood(kind: LoopKind, flooderCount: Int) async throws {
        try await kind.withLoop { loop in
            loop.setBudget(bytes: 20_000, share: 10_000)
            let flood = try Flood(flooderCount, on: loop)
            let asker = RecordingProtocol.echo()
            let (transport, peer) = try loop.connect(asker)
            for _ in 0..<50 {
                flood.go()
                try loop.turn()
            }
            for question in 1...30 {
                let before = flood.byteCount()
                peer.write([UInt8(question)])
                try loop.turn {
                    flood.go()
                    peer.read()
                    return peer.received.count == question
                }
                #expect(flood.byteCount() - before <= Self.bound(loop, turn: 20_000))
            }
            try loop.finish(transport, peer)
            try flood.end()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func postsTimersAndReadersAreHeardAmidAFlood(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            loop.setBudget(bytes: 20_000, share: 10_000)
            let flood = try Flood(20, on: loop)
            let pipe = try RawPipe()
            // Touched on the loop's thread only.
            nonisolated(unsafe) var heard = 0
            try loop.addReader(pipe.reading) {
                var byte: UInt8 = 0
                _ = Glibc.read(pipe.reading.rawValue, &byte, 1)
                heard += 1
            }
            for _ in 0..<50 {
                flood.go()
                try loop.turn()
            }
            for round in 1...10 {
                let before = flood.byteCount()
                try loop.callSoonThreadSafe { heard += 1 }
                try loop.callLater(.zero) { heard += 1 }
                pipe.write([1])
                try loop.turn {
                    flood.go()
                    return heard == 3 * round
                }
                #expect(flood.byteCount() - before <= Self.bound(loop, turn: 20_000))
            }
            try loop.removeReader(pipe.reading)
            try flood.end()
        }
    }

    // Each moves within a number of turns that depends on their number alone.
    @Test(arguments: LoopKind.allCases)
    func nobodyStarvesAmongThousands(kind: LoopKind) async throws {
        // `select` knows no numbers above 1023, and `poll` looks at all of them in each turn.
        let count = kind == .select ? 100 : kind == .poll ? 500 : 2_000
        try await kind.withLoop { loop in
            loop.setBudget(bytes: 50_000, share: 1_000)
            let total = Total()
            var connections: [(transport: any Transport, peer: RawPeer, counting: CountingProtocol)] = []
            for _ in 0..<count {
                let counting = CountingProtocol(total)
                let (transport, peer) = try loop.connect(counting)
                connections.append((transport, peer, counting))
            }
            for connection in connections { #expect(connection.peer.write(patternBytes(8_000)) == 8_000) }
            var former = [Int](repeating: 0, count: count)
            for _ in 0..<3 {
                // A kernel that does not count brings all 8,000 of one at a time.
                try loop.settle(turns: count / 5 + 60)
                let now = connections.map(\.counting.bytes)
                #expect(zip(now, former).allSatisfy { $0 > $1 || $1 == 8_000 })
                former = now
            }
            try loop.turn { total.bytes == count * 8_000 }
            for connection in connections {
                connection.transport.abort()
                connection.peer.close()
            }
            try loop.turn { loop.openTransports.count == 0 && loop.backend.operationCount == 0 }
        }
    }

    /// A rule that many servers have: who does not read is dropped when a megabyte waits for it.
    @Test(arguments: LoopKind.allCases)
    func aReaderThatKeepsUpNeverLooksSlow(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = RecordingProtocol()
            let (client, readingPeer) = try loop.connect(reader, over: .tcp)
            var largest = 0
            let flooder = RecordingProtocol()
            flooder.onData = { _, bytes in
                for start in stride(from: 0, to: bytes.count, by: 30) {
                    client.write(Array(bytes[start..<min(start + 30, bytes.count)]))
                    largest = max(largest, start % 3000 == 0 ? client.writeBufferSize : 0)
                }
            }
            let (transport, peer) = try loop.connect(flooder, over: .tcp)
            let bytes = patternBytes(1_049_490)
            for round in 1...2 {
                var sent = 0
                while sent < bytes.count {
                    let count = peer.write(bytes[sent...])
                    sent += count
                    if count == 0 { try loop.turn() }
                }
                try loop.turn {
                    readingPeer.read()
                    return readingPeer.received.count == round * bytes.count
                }
            }
            #expect(largest <= 64 * 1024)
            #expect(reader.pauseCount == 0)
            try loop.finish(transport, peer)
            try loop.finish(client, readingPeer)
        }
    }
}
