import Testing

@testable import Proactor

@Suite struct SwitchingProtocolTests {
    // Behaviour 34
    @Test(arguments: LoopKind.allCases, [false, true])
    func theProtocolChangesBetweenChunksAndNothingIsLost(kind: LoopKind, losesCancels: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.losesCancels = losesCancels
            let stream = RecordingProtocol()
            let buffered = RecordingBufferedProtocol(capacity: 7)
            let (transport, peer) = try loop.connect(stream)
            buffered.adopt(transport)
            #expect(transport.getProtocol() === stream)
            var expected: [UInt8] = []
            var expectedOfStream: [UInt8] = []
            for round in 0..<30 {
                let usesBuffers = round.isMultiple(of: 2)
                transport.setProtocol(usesBuffers ? buffered : stream)
                // The receive for the other kind is in flight, ending, or not there yet.
                try loop.settle(turns: round % 4)
                if round % 5 == 0 { transport.pauseReading() }
                let bytes = patternBytes(25, seed: round)
                peer.write(bytes)
                try loop.settle(turns: round % 3)
                transport.resumeReading()
                expected += bytes
                if !usesBuffers { expectedOfStream += bytes }
                try loop.turn { stream.received.count + buffered.received.count == expected.count }
            }
            #expect(stream.received == expectedOfStream)
            transport.setProtocol(stream)
            backend.losesCancels = false
            try loop.finish(transport, peer)
            #expect(stream.lostCount == 1)
            #expect(buffered.lostErrors.isEmpty)
            #expect(transport.getProtocol() == nil)
        }
    }

    // Behaviour 34
    @Test(arguments: LoopKind.allCases)
    func aHandOverWithinAChunkLosesNothing(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            // The stream receive stays in flight, so the chunk comes whole.
            backend.losesCancels = true
            let first = RecordingProtocol()
            let (transport, peer) = try loop.connect(first)
            try loop.settle(turns: 3)
            let buffered = RecordingBufferedProtocol(capacity: 4)
            buffered.adopt(transport)
            let last = RecordingProtocol()
            buffered.onData = { transport, _ in transport.setProtocol(last) }
            transport.setProtocol(buffered)
            try loop.settle(turns: 2)
            peer.write("0123456789")
            try loop.turn { buffered.received.count + last.received.count == 10 }
            #expect(buffered.text + last.text == "0123456789")
            backend.losesCancels = false
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 34
    @Test(arguments: LoopKind.allCases)
    func aBufferIsNotGivenToAnotherProtocol(kind: LoopKind) async throws {
        final class Strict: BufferedProtocol {
            var given = 0
            var received: [UInt8] = []
            func getBuffer(sizeHint: Int) -> OwnedBuffer {
                given += 1
                return OwnedBuffer(capacity: 99)
            }
            func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) {
                #expect(buffer.capacity == 99 && buffer.count == count)
                buffer.withBytes { bytes in bytes.withUnsafeBytes { received.append(contentsOf: $0) } }
            }
        }
        try await kind.withLoop { loop in
            let first = RecordingBufferedProtocol()
            first.onGetBuffer = {
                var buffer = OwnedBuffer(capacity: 50)
                buffer.append("secret")
                return buffer
            }
            let (transport, peer) = try loop.connect(first)
            try loop.settle(turns: 3)
            let second = Strict()
            transport.setProtocol(second)
            peer.write("hello")
            try loop.turn { second.received.count == 5 }
            #expect(second.received == Array("hello".utf8))
            #expect(first.received.isEmpty)
            // From here on it is received into buffers of its own: two that were filled, and one that waits.
            try loop.settle(turns: 3)
            peer.write("again")
            try loop.turn { second.received.count == 10 }
            try loop.settle(turns: 3)
            #expect(second.received == Array("helloagain".utf8))
            #expect(second.given == 3)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTransportThatIsLostTakesNoProtocol(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let (endpoint, _) = try loop.connectEndpoint(RecordingDatagramProtocol())
            try loop.finish(transport, peer)
            try loop.finish(endpoint)
            // It would never be let go of.
            transport.setProtocol(RecordingProtocol())
            endpoint.setProtocol(RecordingDatagramProtocol())
            #expect(transport.getProtocol() == nil && endpoint.getProtocol() == nil)
        }
    }

    // Behaviour 34
    // Behaviour 30
    @Test(arguments: LoopKind.allCases)
    func theLatestProtocolHearsTheEnd(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let first = RecordingProtocol()
            let second = RecordingProtocol()
            first.onData = { transport, _ in transport.setProtocol(second) }
            let (transport, peer) = try loop.connect(first)
            peer.write("upgrade")
            try loop.turn { first.text == "upgrade" }
            peer.finish()
            try loop.turn { second.lostCount == 1 }
            #expect(second.events == [.eof, .lost])
            #expect(first.events == [.made, .data(7)])
            try loop.finish(transport, peer)
            // Too late, and harmless.
            transport.setProtocol(first)
            try loop.settle(turns: 3)
            #expect(first.events == [.made, .data(7)])
        }
    }
}
