import Testing

@testable import Proactor

@Suite struct TLSSendingTests {
    private let context = ScriptedTLS()

    private func engine(of transport: TLSTransport) throws -> ScriptedEngine {
        try #require(transport.engine as? ScriptedEngine)
    }

    // Pitfall 59
    @Test(arguments: LoopKind.allCases)
    func smallWritesOfATurnShareARecord(kind: LoopKind) async throws {
        let test = self
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connectTLS(RecordingProtocol(), TLSOptions(test.context))
            for _ in 0..<10 { transport.write("word ") }
            transport.writeLines([Array("a ".utf8), Array("b ".utf8)])
            transport.write(OwnedBuffer(Array("owned".utf8)))
            let engine = try test.engine(of: transport)
            #expect(engine.sealedRecords == 0)
            let text = String(repeating: "word ", count: 10) + "a b owned"
            try loop.turn {
                peer.step()
                return peer.text == text
            }
            // An owned buffer is handed over as it is, and has one of its own.
            #expect(engine.sealedRecords == 2)
            try loop.finish(transport, peer)
        }
    }

    // Pitfall 59
    @Test(arguments: LoopKind.allCases)
    func muchIsSealedAsThePeerTakesIt(kind: LoopKind) async throws {
        let test = self
        try await kind.withLoop { loop in
            let bytes = patternBytes(6 << 20)
            for owned in [false, true] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(test.context))
                if owned { transport.write(OwnedBuffer(bytes)) } else { transport.write(bytes) }
                #expect(recorder.pauseCount == 1)
                let engine = try test.engine(of: transport)
                try loop.settle()
                #expect(transport.belowUnsent <= 256 * 1024)
                // The kernel's buffers, and what waits for them.
                #expect(engine.sealedBytes < 3 << 20)
                #expect(transport.writeBufferSize > 3 << 20)
                try loop.turn {
                    peer.step()
                    #expect(transport.belowUnsent <= 256 * 1024)
                    return peer.received.count == bytes.count
                }
                #expect(peer.received == bytes)
                try loop.turn { transport.writeBufferSize == 0 && recorder.resumeCount == 1 }
                try loop.finish(transport, peer)
            }
        }
    }

    // Pitfall 56
    @Test(arguments: LoopKind.allCases)
    func marksCountPlaintextAndWhatWaitsBelow(kind: LoopKind) async throws {
        let test = self
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(test.context))
            try transport.setWriteBufferLimits(high: 1 << 20)
            #expect(transport.getWriteBufferLimits() == (1 << 18, 1 << 20))
            var written = 0
            while recorder.pauseCount == 0 {
                transport.write(patternBytes(50_000))
                written += 50_000
                try #require(written < 64 << 20)
            }
            #expect(transport.writeBufferSize > 1 << 20)
            #expect(transport.writeBufferSize < 2 << 20)
            #expect(transport.unsentByteCount == transport.plaintext.byteCount + transport.belowUnsent)
            try loop.turn {
                peer.step(limit: 100_000)
                return recorder.resumeCount == 1
            }
            #expect(transport.unsentByteCount <= 1 << 18)
            // Raised marks resume at once, lowered ones pause.
            transport.write(patternBytes(4 << 20))
            #expect(recorder.pauseCount == 2)
            try transport.setWriteBufferLimits(high: 1 << 30, low: 1 << 29)
            #expect(recorder.resumeCount == 2)
            try transport.setWriteBufferLimits(high: 0)
            #expect(recorder.pauseCount == 3)
            try loop.turn {
                peer.step()
                return recorder.resumeCount == 3
            }
            #expect(transport.writeBufferSize == 0)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anEchoOfEverySizeComesBackWhole(kind: LoopKind) async throws {
        let test = self
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connectTLS(RecordingProtocol.echo(), TLSOptions(test.context))
            var expected: [UInt8] = []
            for size in [1, 100, 511, 8191, 8192, 16_383, 16_384, 16_385, 40_000, 70_000, 300_000] {
                let bytes = patternBytes(size, seed: size)
                peer.write(bytes)
                expected += bytes
                try loop.turn {
                    peer.step()
                    return peer.received.count == expected.count
                }
            }
            #expect(peer.received == expected)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anEngineThatLacksRoomGoesOnLater(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let context = ScriptedTLS()
            // A record needs nearly all the room that there may be.
            context.spareRoom = 230_000
            let (transport, peer) = try loop.connectTLS(RecordingProtocol(), TLSOptions(context))
            let bytes = patternBytes(3 << 20)
            transport.write(bytes)
            transport.close()
            try loop.turn {
                peer.step()
                return peer.sawCloseNotify
            }
            #expect(peer.received == bytes)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsWrittenTooLateIsIgnored(kind: LoopKind) async throws {
        let test = self
        try await kind.withLoop { loop in
            var reports = 0
            loop.setExceptionHandler { _, _ in reports += 1 }
            let (transport, peer) = try loop.connectTLS(RecordingProtocol(), TLSOptions(test.context))
            #expect(!transport.canWriteEOF)
            transport.write("in time")
            transport.writeEOF()
            #expect(reports == 1)
            transport.close()
            transport.write("too late")
            transport.writeEOF()
            #expect(reports == 1)
            try loop.turn {
                peer.step()
                return peer.sawCloseNotify
            }
            #expect(peer.text == "in time")
            try loop.finish(transport, peer)
            transport.write("much too late")
            transport.close()
            transport.abort()
            transport.pauseReading()
            transport.resumeReading()
            #expect(transport.writeBufferSize == 0 && transport.isClosing && transport.getProtocol() == nil)
            #expect(transport.description.contains("ended"))
        }
    }
}
