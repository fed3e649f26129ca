import SystemPackage
import Testing

@testable import Proactor

/// A protocol hands over to another within a call of the transport's: what comes is the successor's, and each buffer goes back to
/// whom it belongs to.
@Suite struct HandingOverTests {
    private struct Variant: CustomTestStringConvertible {
        let kind: LoopKind
        let isBuffered: Bool

        var testDescription: String { "\(kind), \(isBuffered ? "buffered" : "stream") successor" }

        static let all = LoopKind.allCases.flatMap { kind in
            [false, true].map { Variant(kind: kind, isBuffered: $0) }
        }
    }

    /// The successor of either kind.
    private final class Successor {
        private let stream = RecordingProtocol()
        private let buffered = RecordingBufferedProtocol(capacity: 5)
        let asProtocol: any ConnectionProtocol

        init(isBuffered: Bool) {
            asProtocol = isBuffered ? buffered : stream
        }

        var text: String { stream.text + buffered.text }
    }

    // Behaviour 34
    @Test(arguments: Variant.all)
    private func withinGetBuffer(_ variant: Variant) async throws {
        try await variant.kind.withLoop { loop in
            let successor = Successor(isBuffered: variant.isBuffered)
            let first = RecordingBufferedProtocol()
            first.onGetBuffer = { [unowned first] in
                first.transport?.setProtocol(successor.asProtocol)
                var buffer = OwnedBuffer(capacity: 64)
                buffer.append("mine")
                return buffer
            }
            let (transport, peer) = try loop.connect(first)
            peer.write("0123456789")
            try loop.turn { successor.text.count == 10 }
            #expect(successor.text == "0123456789")
            #expect(first.received.isEmpty)
            #expect(first.returnedCounts == [4])
            try loop.finish(transport, peer)
        }
    }

    /// Bytes that a stream protocol's receive has brought are handed to a buffered one, which hands over when it is asked for
    /// room.
    @Test(arguments: Variant.all)
    private func withinGetBufferForBytesThatAreThere(_ variant: Variant) async throws {
        try await variant.kind.withLoop { loop in
            let successor = Successor(isBuffered: variant.isBuffered)
            let first = RecordingProtocol()
            let second = RecordingBufferedProtocol(capacity: 4)
            let (transport, peer) = try loop.connect(first)
            first.onData = { transport, _ in transport.pauseReading() }
            peer.write("a")
            try loop.turn { first.text == "a" }
            // Held back, or still in the socket.
            peer.write("0123456789")
            try loop.settle(turns: 3)
            second.onGetBuffer = { [unowned second, unowned transport] in
                if second.pieces.count == 1 { transport.setProtocol(successor.asProtocol) }
                return OwnedBuffer(capacity: 4)
            }
            transport.setProtocol(second)
            transport.resumeReading()
            try loop.turn { second.text.count + successor.text.count == 10 }
            #expect(second.text == "0123")
            #expect(successor.text == "456789")
            #expect(second.returnedCounts == [0])
            try loop.finish(transport, peer)
        }
    }

    /// While the kernel has the buffer.
    @Test(arguments: Variant.all)
    private func whileABufferIsInFlight(_ variant: Variant) async throws {
        try await variant.kind.withFaultyLoop { loop, backend in
            for losesCancels in [false, true] {
                backend.losesCancels = losesCancels
                let successor = Successor(isBuffered: variant.isBuffered)
                let first = RecordingBufferedProtocol()
                first.onGetBuffer = {
                    var buffer = OwnedBuffer(capacity: 64)
                    buffer.append("mine")
                    return buffer
                }
                let (transport, peer) = try loop.connect(first)
                try loop.settle(turns: 3)
                #expect(first.getBufferCount == 1)
                transport.setProtocol(successor.asProtocol)
                try loop.settle(turns: 3)
                peer.write("0123456789")
                try loop.turn { successor.text.count == 10 }
                #expect(successor.text == "0123456789")
                #expect(first.received.isEmpty)
                #expect(first.returnedCounts == [4])
                backend.losesCancels = false
                try loop.finish(transport, peer)
            }
        }
    }

    /// There and back: the buffer in flight is its own again.
    @Test(arguments: LoopKind.allCases)
    func aLenderThatComesBackGetsItsBytes(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.losesCancels = true
            let first = RecordingBufferedProtocol()
            let (transport, peer) = try loop.connect(first)
            try loop.settle(turns: 3)
            transport.setProtocol(RecordingProtocol())
            transport.setProtocol(RecordingBufferedProtocol())
            transport.setProtocol(first)
            peer.write("0123456789")
            try loop.turn { first.text == "0123456789" }
            #expect(first.returnedCounts.isEmpty)
            backend.losesCancels = false
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPauseOrACloseWithinGetBufferReturnsIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for closes in [false, true] {
                let first = RecordingBufferedProtocol()
                var asked = 0
                first.onGetBuffer = { [unowned first] in
                    asked += 1
                    if asked == 1 { closes ? first.transport?.abort() : first.transport?.pauseReading() }
                    return OwnedBuffer(capacity: 64)
                }
                let (transport, peer) = try loop.connect(first)
                peer.write("0123456789")
                try loop.settle()
                #expect(first.returnedCounts == [0])
                #expect(first.received.isEmpty)
                if !closes {
                    transport.resumeReading()
                    try loop.turn { first.text == "0123456789" }
                }
                try loop.finish(transport, peer)
            }
        }
    }

    /// A file that is read and written instead of sent by the kernel has a protocol of its own for the while.
    @Test(arguments: LoopKind.allCases)
    func theFallbackForFilesReturnsTheBufferInFlight(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let first = RecordingBufferedProtocol()
            let (transport, peer) = try loop.connect(first)
            try loop.settle(turns: 3)
            #expect(first.getBufferCount == 1)
            let stand = FileFallbackProtocol(transport, loop: loop)
            try loop.settle(turns: 3)
            #expect(first.returnedCounts == [0])
            peer.write("0123456789")
            try loop.settle(turns: 3)
            #expect(first.received.isEmpty)
            stand.restore()
            try loop.turn { first.text == "0123456789" }
            #expect(transport.getProtocol() === first)
            try loop.finish(transport, peer)
        }
    }
}
