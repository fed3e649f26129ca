import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Receives on kernels whose multishot receive forgets the end of a Unix stream.
@Suite struct UnixReceiveTests {
    private static var sparing: RingConfiguration {
        var configuration = RingConfiguration()
        configuration.multishotUnixReceive = false
        return configuration
    }

    private func scripted() throws -> ScriptedHarness {
        try ScriptedHarness(ScriptedRing(multishotUnixReceive: false))
    }

    @Test func aUnixSocketIsReceivedFromOnePieceAtATime() throws {
        let harness = try scripted()
        let pair = try SocketPair(.unix)
        defer { close(pair) }
        let token = harness.backend.submit(.receive(pair.first), owner: harness.owner)
        harness.turn()
        #expect(harness.ring.handedOver == [.single(token, into: .streams)])
        harness.ring.complete(token, 3, buffer: 0)
        harness.turn()
        #expect(harness.owner.results == [3] && harness.owner.finals.isEmpty)
        harness.turn()
        // Without a buffer it waits for one, and is the same afterwards.
        harness.ring.complete(token, -ENOBUFS)
        harness.turn()
        harness.turn()
        #expect(
            harness.ring.handedOver == [
                .single(token, into: .streams), .single(token, into: .streams),
                .single(token, into: .streams),
            ]
        )
        harness.ring.complete(token, 0)
        harness.turn()
        #expect(harness.owner.finals.map(\.result) == [0])
        // The slot is used again for something else.
        let other = harness.receive()
        harness.turn()
        #expect(harness.ring.timesHandedOver(other) == 1)
        harness.close()
    }

    @Test func otherSocketsAreReceivedFromAsEver() throws {
        let harness = try scripted()
        let pair = try SocketPair(.tcp)
        defer { close(pair) }
        let token = harness.backend.submit(.receive(pair.first), owner: harness.owner)
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token)])
        harness.close()
    }

    @Test func whereTheKernelKeepsItsWordNoSocketIsAsked() throws {
        let harness = try ScriptedHarness()
        let pair = try SocketPair(.unix)
        defer { close(pair) }
        let token = harness.backend.submit(.receive(pair.first), owner: harness.owner)
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token)])
        harness.close()
    }

    @Test func aFullSubmissionQueueChangesNothing() throws {
        let harness = try scripted()
        let pair = try SocketPair(.unix)
        defer { close(pair) }
        harness.ring.room = 0
        let token = harness.backend.submit(.receive(pair.first), owner: harness.owner)
        harness.ring.room = .max
        harness.turn()
        #expect(harness.ring.handedOver == [.single(token, into: .streams)])
        harness.close()
    }

    /// However a Unix stream comes to the loop.
    @Test(.needsRing, arguments: [true, false])
    func theEndThatComesWithTheLastBytesIsTold(isMultishot: Bool) async throws {
        try await onThread {
            let loop = try ProactorEventLoop(configuration: isMultishot ? RingConfiguration() : Self.sparing)
            if !isMultishot { #expect(!loop.features.multishotUnixReceive) }
            #expect(loop.features.multishotReceive)
            let recorder = RecordingProtocol()
            let (_, peer) = try loop.connect(recorder)
            let accepted = RecordingProtocol()
            let name = "proactor-\(UUID().uuidString)"
            let server = try loop.run {
                try await loop.createUnixServer(abstractName: name) { accepted }
            }
            let connected = RecordingProtocol()
            _ = try loop.run { try await loop.createUnixConnection(abstractName: name) { connected } }
            let piped = RecordingProtocol()
            let pair = try SocketPair(.unix)
            let writer = RawPeer(pair.second)
            _ = try loop.run { try await loop.connectReadPipe(pair.first) { piped } }
            try loop.settle()
            for peer in [peer, writer] {
                peer.write("last")
                peer.finish()
            }
            connected.transport?.write("last")
            connected.transport?.writeEOF()
            try loop.turn { recorder.eofCount == 1 && accepted.eofCount == 1 && piped.eofCount == 1 }
            #expect([recorder.text, accepted.text, piped.text] == ["last", "last", "last"])
            server.close()
            try loop.turn { accepted.lostCount == 1 && connected.lostCount == 1 && recorder.lostCount == 1 }
            try loop.close()
        }
    }

    private func close(_ pair: SocketPair) {
        try? pair.first.close()
        try? pair.second.close()
    }
}
