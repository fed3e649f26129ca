import SystemPackage
import Testing

@testable import Proactor

/// Which writes are said to have come too late.
@Suite struct LateWriteTests {
    private static func warnings(_ body: () throws -> Void) rethrows -> Int {
        try LogCapture.lines(body).count { $0.contains("is closed and ignores") }
    }

    // Behaviour 26
    @Test(arguments: LoopKind.allCases)
    func whatIsWrittenBeforeTheLossIsToldIsNoMistake(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let stream = try #require(transport as? StreamSocketTransport)
            stream.loseConnection(SocketError(.receive, .connectionReset))
            #expect(Self.warnings { for _ in 0..<20 { transport.write("x") } } == 0)
            try loop.turn { stream.isBeyondItsProtocol }
            #expect(Self.warnings { for _ in 0..<4 { transport.write("x") } } == 0)
            #expect(Self.warnings { transport.write("x") } == 1)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 26
    @Test(arguments: LoopKind.allCases)
    func theEndOfAStreamIsNoCloseOfTheProgram(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let stream = try #require(transport as? StreamSocketTransport)
            stream.beginClosing()
            #expect(stream.phase == .lost)
            #expect(Self.warnings { for _ in 0..<20 { transport.write("x") } } == 0)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 26
    @Test(arguments: LoopKind.allCases, [false, true])
    func whatIsWrittenAfterACloseIsOne(kind: LoopKind, aborts: Bool) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            if aborts { transport.abort() } else { transport.close() }
            #expect(Self.warnings { for _ in 0..<9 { transport.write("x") } } == 1)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func datagramsThatAreSentBeforeTheLossIsToldAreNoMistake(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, _) = try loop.run {
                try await loop.createDatagramEndpoint(remoteAddress: (host: "127.0.0.1", port: 9)) {
                    RecordingDatagramProtocol()
                }
            }
            let endpoint = try #require(transport as? DatagramSocketTransport)
            endpoint.loseConnection(nil)
            #expect(try Self.warnings { for _ in 0..<9 { try transport.sendTo([1]) } } == 0)
            try loop.turn { endpoint.isBeyondItsProtocol }
            #expect(try Self.warnings { for _ in 0..<9 { try transport.sendTo([1]) } } == 1)
        }
    }
}
