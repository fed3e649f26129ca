import SystemPackage
import Testing

@testable import Proactor

/// What one connection receives another sends.
@Suite struct ForwardingTests {
    /// Hands what it receives to another transport.
    private final class Forwarder: StreamProtocol {
        var target: (any Transport)?
        private(set) var count = 0
        private(set) var lostCount = 0
        var onForwarded: (() -> Void)?

        func dataReceived(_ data: RawSpan) {
            count += data.byteCount
            target?.write(data)
            onForwarded?()
        }

        func connectionLost(_ error: (any Error)?) { lostCount += 1 }
    }

    private static func connectTwo(
        _ forwarder: Forwarder,
        on loop: BaseEventLoop
    ) throws -> (incoming: any Transport, sender: RawPeer, outgoing: any Transport, reader: RawPeer) {
        let (outgoing, reader) = try loop.connect(RecordingProtocol(), over: .tcp)
        forwarder.target = outgoing
        let (incoming, sender) = try loop.connect(forwarder, over: .tcp)
        return (incoming, sender, outgoing, reader)
    }

    /// As much as the sender's kernel takes at a time, until all of it is there.
    private static func forward(
        _ content: [UInt8],
        _ sender: RawPeer,
        _ reader: RawPeer,
        on loop: BaseEventLoop,
        readsFrom start: Int = 0
    ) throws {
        var sent = 0
        try loop.turn {
            sent += sender.write(content[sent..<min(sent + 200_000, content.count)])
            if sent >= start { reader.read(limit: 100_000) }
            return reader.received.count == content.count
        }
    }

    @Test(arguments: LoopKind.allCases, [100, 8192, 20_000, 3 << 20])
    func whatIsForwardedArrives(kind: LoopKind, count: Int) async throws {
        try await kind.withLoop { loop in
            let forwarder = Forwarder()
            let (incoming, sender, outgoing, reader) = try Self.connectTwo(forwarder, on: loop)
            let content = patternBytes(count)
            try Self.forward(content, sender, reader, on: loop)
            #expect(reader.received == content)
            try loop.finish(incoming, sender)
            try loop.finish(outgoing, reader)
        }
    }

    /// What a peer does not take is kept: everybody receives into the same buffers.
    @Test(arguments: LoopKind.allCases)
    func aPeerThatDoesNotReadKeepsNobodyFromReceiving(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let forwarder = Forwarder()
            let (incoming, sender, outgoing, reader) = try Self.connectTwo(forwarder, on: loop)
            let content = patternBytes(16 << 20)
            var sent = 0
            while sent < content.count {
                // The wait is for each piece, however long all of them take.
                let before = sent
                try loop.turn {
                    sent += sender.write(content[sent..<min(sent + 200_000, content.count)])
                    return sent > before
                }
            }
            try loop.turn { forwarder.count == content.count }
            try loop.settle(turns: 3)
            #expect(outgoing.writeBufferSize > 1 << 20)
            let other = RecordingProtocol()
            let (third, thirdPeer) = try loop.connect(other, over: .tcp)
            try Self.send(patternBytes(1 << 20, seed: 1), by: thirdPeer, to: other, on: loop)
            try loop.turn {
                reader.read(limit: 1 << 20)
                return reader.received.count == content.count
            }
            #expect(reader.received == content)
            try loop.finish(incoming, sender)
            try loop.finish(outgoing, reader)
            try loop.finish(third, thirdPeer)
        }
    }

    private static func send(
        _ content: [UInt8],
        by peer: RawPeer,
        to receiver: RecordingProtocol,
        on loop: BaseEventLoop
    ) throws {
        var sent = 0
        try loop.turn {
            sent += peer.write(content[sent..<min(sent + 200_000, content.count)])
            return receiver.received.count == content.count
        }
        #expect(receiver.received == content)
    }

    enum End: CaseIterable, Sendable {
        case closed, aborted, lost, loopClosed
    }

    /// The end comes in the turn in which bytes wait to be sent on.
    @Test(arguments: LoopKind.allCases, End.allCases)
    func theOtherSideEndsInTheSameTurn(kind: LoopKind, end: End) async throws {
        try await kind.withLoop { loop in
            let forwarder = Forwarder()
            let (incoming, sender, outgoing, reader) = try Self.connectTwo(forwarder, on: loop)
            let content = patternBytes(50_000)
            forwarder.onForwarded = {
                switch end {
                case .closed: outgoing.close()
                case .aborted: outgoing.abort()
                case .lost: (outgoing as? StreamSocketTransport)?.loseConnection(TestError(number: 1))
                case .loopClosed: loop.stop()
                }
            }
            var sent = 0
            try loop.turn {
                sent += sender.write(content[sent..<min(sent + 200_000, content.count)])
                return forwarder.count > 0
            }
            guard end != .loopClosed else { return try loop.close() }
            try loop.turn { (outgoing as? StreamSocketTransport)?.phase == .closed }
            if end == .closed {
                reader.waitUntilOver()
                #expect(reader.received.count > 0 && content.starts(with: reader.received))
            }
            reader.close()
            try loop.finish(incoming, sender)
        }
    }
}
