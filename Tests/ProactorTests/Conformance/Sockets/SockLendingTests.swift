import Testing

@testable import Proactor

@Suite struct SockLendingTests {
    private static func copy(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

    /// Each task looks at its own bytes, whatever else it and others do in the same turn.
    @Test(arguments: SocketCase.all)
    func tasksThatGoOnInOneTurnSeeTheirOwnBytes(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pairs = try (0..<8).map { _ in try flavour.pair() }
            try loop.run {
                let echoes = pairs.map { pair in
                    loop.createTask {
                        while true {
                            let piece = try await loop.sockRecv(pair.second, upTo: 4096) { Self.copy($0) }
                            guard !piece.isEmpty else { return }
                            try await loop.sockSendAll(pair.second, piece)
                        }
                    }
                }
                let askers = pairs.enumerated().map { number, pair in
                    loop.createTask {
                        defer { try? pair.first.close() }
                        for round in 0..<50 {
                            let message = patternBytes(
                                1 + (number * 331 + round * 17) % 4000,
                                seed: number + round
                            )
                            try await loop.sockSendAll(pair.first, message)
                            var answer: [UInt8] = []
                            while answer.count < message.count {
                                answer += try await loop.sockRecv(pair.first, upTo: 4096) { Self.copy($0) }
                            }
                            guard answer == message else { return false }
                        }
                        return true
                    }
                }
                for asker in askers { #expect(try await asker.value()) }
                for (echo, pair) in zip(echoes, pairs) {
                    try await echo.value()
                    try pair.second.close()
                }
            }
        }
    }

    @Test(arguments: SocketCase.all)
    func anErrorOfTheBodyIsThrown(flavour: SocketCase) async throws {
        struct Refused: Error {}
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            try loop.run {
                try loop.callSoon { peer.write("no") }
                await #expect(throws: Refused.self) {
                    try await loop.sockRecv(pair.first, upTo: 100) { _ in throw Refused() }
                }
                // They are received.
                try loop.callSoon { peer.write("yes") }
                #expect(try await loop.sockRecv(pair.first, upTo: 100) { Self.copy($0) } == Array("yes".utf8))
                await #expect(throws: EventLoopError.self) {
                    try await loop.sockRecv(pair.first, upTo: 0) { _ in }
                }
            }
            try pair.first.close()
        }
    }
}
