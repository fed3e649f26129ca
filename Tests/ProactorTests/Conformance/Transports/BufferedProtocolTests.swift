import Testing

@testable import Proactor

@Suite struct BufferedProtocolTests {
    // Behaviour 34
    @Test(arguments: LoopKind.allCases, [1, 3, 1000, 1 << 20])
    func dataArrivesInBuffersOfAnySize(kind: LoopKind, capacity: Int) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingBufferedProtocol(capacity: capacity)
            let (transport, peer) = try loop.connect(recorder)
            let bytes = patternBytes(min(capacity * 500, 3 << 20))
            var sent = 0
            try loop.turn {
                if sent < bytes.count { sent += peer.write(bytes[sent..<min(sent + 100_000, bytes.count)]) }
                return recorder.received.count >= bytes.count
            }
            #expect(recorder.received == bytes)
            #expect(recorder.pieces.allSatisfy { $0 > 0 && $0 <= capacity })
            try loop.finish(transport, peer)
            #expect(recorder.lostErrors.count == 1)
        }
    }

    // Behaviour 34
    @Test(arguments: LoopKind.allCases)
    func aBufferWithoutRoomIsFatalToItsTransportOnly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            let sound = RecordingProtocol()
            let (soundTransport, soundPeer) = try loop.connect(sound)
            let recorder = RecordingBufferedProtocol()
            recorder.onGetBuffer = { OwnedBuffer([1, 2, 3]) }
            let (transport, peer) = try loop.connect(recorder)
            try loop.turn { recorder.lostErrors.count == 1 }
            #expect(recorder.getBufferCount == 1)
            #expect(reported.count == 1)
            #expect(reported.first?.transport === transport)
            #expect(recorder.lostErrors.first.map { $0 is EventLoopError } == true)
            soundPeer.write("x")
            try loop.turn { sound.text == "x" }
            reported = []
            loop.setExceptionHandler(nil)
            try loop.finish(transport, peer)
            try loop.finish(soundTransport, soundPeer)
        }
    }

    // Behaviour 34
    @Test(arguments: LoopKind.allCases)
    func receivedBuffersCanBeWrittenBack(kind: LoopKind) async throws {
        final class Echo: BufferedProtocol {
            var transport: (any Transport)?
            func connectionMade(_ transport: any Transport) { self.transport = transport }
            func getBuffer(sizeHint: Int) -> OwnedBuffer { OwnedBuffer(capacity: 5000) }
            func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) {
                transport?.write(buffer)
            }
            func connectionLost(_ error: (any Error)?) { transport = nil }
        }
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(Echo(), over: .tcp)
            let bytes = patternBytes(1 << 20)
            var sent = 0
            try loop.turn {
                if sent < bytes.count { sent += peer.write(bytes[sent..<min(sent + 30_000, bytes.count)]) }
                peer.read()
                return peer.received.count >= bytes.count
            }
            #expect(peer.received == bytes)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 34
    // Pitfall 33
    @Test(arguments: LoopKind.allCases)
    func aBufferThatHoldsBytesComesBackWhenReceivingEnds(kind: LoopKind) async throws {
        final class Gatherer: BufferedProtocol {
            var gathered: OwnedBuffer? = OwnedBuffer(capacity: 100)
            var hasLentBuffer = false
            var total = 0
            var returns = 0
            var isOver = false
            func getBuffer(sizeHint: Int) throws -> OwnedBuffer {
                guard let buffer = gathered.take() else { throw TestError(number: 1) }
                hasLentBuffer = true
                return buffer
            }
            func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) {
                hasLentBuffer = false
                total += count
                gathered = consume buffer
            }
            func bufferReturned(_ buffer: consuming OwnedBuffer) {
                returns += 1
                gathered = consume buffer
            }
            func eofReceived() -> Bool {
                isOver = true
                return true
            }
        }
        try await kind.withLoop { loop in
            let gatherer = Gatherer()
            let (transport, peer) = try loop.connect(gatherer)
            peer.write("ab")
            // Until the transport has the buffer again.
            try loop.turn { gatherer.total == 2 && gatherer.hasLentBuffer }
            transport.pauseReading()
            try loop.turn { gatherer.returns == 1 }
            transport.resumeReading()
            peer.write("cd")
            try loop.turn { gatherer.total == 4 }
            peer.finish()
            try loop.turn { gatherer.isOver }
            guard let buffer = gatherer.gathered.take() else { throw TestError(number: 2) }
            let text = buffer.withBytes { $0.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
            #expect(text == "abcd")
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 34
    @Test(arguments: LoopKind.allCases)
    func aBufferCanBeFilledBitByBit(kind: LoopKind) async throws {
        final class Records: BufferedProtocol {
            var partial: OwnedBuffer? = OwnedBuffer(capacity: 10)
            var records: [[UInt8]] = []
            func getBuffer(sizeHint: Int) throws -> OwnedBuffer {
                guard let buffer = partial.take() else { throw TestError(number: 1) }
                return buffer
            }
            func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) {
                if buffer.room == 0 {
                    buffer.withBytes { bytes in bytes.withUnsafeBytes { records.append(Array($0)) } }
                    partial = OwnedBuffer(capacity: 10)
                } else {
                    partial = consume buffer
                }
            }
        }
        try await kind.withLoop { loop in
            let records = Records()
            let (transport, peer) = try loop.connect(records)
            let bytes = patternBytes(100)
            for start in stride(from: 0, to: 100, by: 4) {
                peer.write(bytes[start..<start + 4])
                try loop.settle(turns: 4)
            }
            try loop.turn { records.records.count == 10 }
            #expect(records.records.flatMap { $0 } == bytes)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 29
    // Behaviour 30
    // Behaviour 34
    @Test(arguments: LoopKind.allCases, [false, true])
    func pausingHoldsDataAndEndBack(kind: LoopKind, losesCancels: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.losesCancels = losesCancels
            let recorder = RecordingBufferedProtocol(capacity: 4)
            let (transport, peer) = try loop.connect(recorder)
            try loop.settle(turns: 3)
            transport.pauseReading()
            peer.write("0123456789")
            peer.finish()
            try loop.settle()
            #expect(recorder.received.isEmpty && recorder.eofCount == 0)
            // What came into it is held back elsewhere.
            #expect(recorder.returnedCounts == [0])
            // One piece at a time.
            recorder.onData = { transport, _ in transport.pauseReading() }
            try loop.turn {
                let before = recorder.pieces.count
                if recorder.received.count < 10 { transport.resumeReading() }
                try loop.settle(turns: 3)
                #expect(recorder.pieces.count <= before + 1)
                return recorder.received.count == 10
            }
            #expect(recorder.text == "0123456789")
            #expect(recorder.mostLent == 1)
            transport.resumeReading()
            try loop.turn { recorder.lostErrors.count == 1 }
            #expect(recorder.eofCount == 1)
            backend.losesCancels = false
            try loop.finish(transport, peer)
        }
    }
}
