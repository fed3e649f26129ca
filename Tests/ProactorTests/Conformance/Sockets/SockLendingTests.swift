import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SockLendingTests {
    private static func copy(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

    @Test(arguments: SocketCase.all)
    func whatHasComeIsLent(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            try loop.run {
                peer.write("hello")
                #expect(try await loop.sockRecv(pair.first, upTo: 3) { Self.copy($0) } == Array("hel".utf8))
                #expect(try await loop.sockRecv(pair.first, upTo: 100) { Self.copy($0) } == Array("lo".utf8))
                // Nothing is there now.
                try loop.callSoon { peer.write("again") }
                #expect(
                    try await loop.sockRecv(pair.first, upTo: 100) { Self.copy($0) } == Array("again".utf8)
                )
                peer.finish()
                #expect(try await loop.sockRecv(pair.first, upTo: 100) { $0.byteCount } == 0)
            }
            #expect(flavour.isNonBlocking(pair.first) == flavour.nonBlocking)
            try pair.first.close()
        }
    }

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

    // Behaviour 25
    @Test(arguments: SocketCase.all)
    func aCancelLeavesWhatComesLater(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            try loop.run {
                let task = loop.createTask {
                    try await loop.sockRecv(pair.first, upTo: 100) { Self.copy($0) }
                }
                try await sleep(for: .zero)
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value() }
                peer.write("later")
                #expect(
                    try await loop.sockRecv(pair.first, upTo: 100) { Self.copy($0) } == Array("later".utf8)
                )
            }
            try pair.first.close()
        }
    }

    @Test(arguments: SocketCase.all, [Int32(SOCK_DGRAM.rawValue), Int32(SOCK_SEQPACKET.rawValue)])
    func messagesAreLentWhole(flavour: SocketCase, type: Int32) async throws {
        try await flavour.kind.withLoop { loop in
            var pair: [Int32] = [-1, -1]
            try checkCall(socketpair(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0, &pair))
            let (socket, peer) = (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
            try flavour.set(socket)
            try loop.run {
                for size in [60_000, 1, 0, 40_000] {
                    let message = patternBytes(size, seed: size)
                    try loop.callSoon { _ = Glibc.send(peer.rawValue, message, message.count, 0) }
                    #expect(try await loop.sockRecv(socket, upTo: 65_536) { Self.copy($0) } == message)
                }
            }
            try socket.close()
            try peer.close()
        }
    }
}
