import Testing

@testable import Proactor

@Suite struct FlowControlTests {
    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func theProtocolIsPausedAndResumedOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try transport.setWriteBufferLimits(high: 1 << 20, low: 1 << 18)
            var expected = 0
            while transport.writeBufferSize <= 1 << 20 {
                #expect(recorder.pauseCount == 0)
                transport.write(patternBytes(50_000))
                expected += 50_000
                try loop.turn()
            }
            #expect(recorder.pauseCount == 1)
            transport.write(patternBytes(50_000))
            expected += 50_000
            try loop.settle()
            #expect(recorder.pauseCount == 1)
            #expect(recorder.resumeCount == 0)
            var sizeWhenResumed = -1
            recorder.onResumeWriting = { sizeWhenResumed = $0.writeBufferSize }
            try loop.turn {
                peer.read(limit: 100_000)
                if transport.writeBufferSize > 1 << 18 { #expect(recorder.resumeCount == 0) }
                return peer.received.count == expected
            }
            #expect(recorder.pauseCount == 1)
            #expect(recorder.resumeCount == 1)
            #expect(sizeWhenResumed >= 0 && sizeWhenResumed <= 1 << 18)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func raisedMarksResumeAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let waiting = try transport.fillKernel()
            try transport.setWriteBufferLimits(high: waiting + 100, low: 10)
            transport.write(patternBytes(200))
            #expect(recorder.pauseCount == 1)
            try transport.setWriteBufferLimits(high: waiting + 400, low: waiting + 199)
            #expect(recorder.resumeCount == 0)
            try transport.setWriteBufferLimits(high: waiting + 400, low: waiting + 200)
            #expect(recorder.resumeCount == 1)
            // From here on the new marks hold.
            transport.write(patternBytes(201))
            #expect(recorder.pauseCount == 2)
            try loop.turn {
                peer.read()
                return recorder.resumeCount == 2
            }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func exactlyTheHighMarkDoesNotPause(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let waiting = try transport.fillKernel()
            try transport.setWriteBufferLimits(high: waiting + 100, low: 10)
            transport.write(patternBytes(60))
            transport.write(patternBytes(40))
            #expect(transport.writeBufferSize == waiting + 100)
            #expect(recorder.pauseCount == 0)
            transport.write([1])
            #expect(recorder.pauseCount == 1)
            try loop.turn {
                peer.read()
                return recorder.resumeCount == 1
            }
            #expect(recorder.pauseCount == 1)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func aHighMarkOfZeroWorks(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try transport.setWriteBufferLimits(high: 0)
            #expect(transport.getWriteBufferLimits() == (0, 0))
            let bytes = patternBytes(1 << 20)
            transport.write(bytes)
            #expect(recorder.pauseCount == 1)
            try loop.settle()
            #expect(recorder.resumeCount == 0)
            try loop.turn {
                peer.read()
                return peer.received.count == bytes.count
            }
            try loop.turn { recorder.resumeCount == 1 }
            #expect(transport.writeBufferSize == 0)
            #expect(recorder.pauseCount == 1)
            transport.write([])
            #expect(recorder.pauseCount == 1)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func loweringTheMarksPausesAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            #expect(transport.getWriteBufferLimits() == (16 * 1024, 64 * 1024))
            let waiting = try transport.fillKernel()
            try transport.setWriteBufferLimits(high: waiting + 5000)
            transport.write(patternBytes(5000))
            #expect(recorder.pauseCount == 0)
            try transport.setWriteBufferLimits(high: 4000)
            #expect(transport.getWriteBufferLimits() == (1000, 4000))
            #expect(recorder.pauseCount == 1)
            try loop.turn {
                peer.read()
                return recorder.resumeCount == 1
            }
            try transport.setWriteBufferLimits(high: nil, low: 500)
            #expect(transport.getWriteBufferLimits() == (500, 2000))
            try transport.setWriteBufferLimits(high: nil, low: nil)
            #expect(transport.getWriteBufferLimits() == (16 * 1024, 64 * 1024))
            #expect(throws: EventLoopError.self) { try transport.setWriteBufferLimits(high: 1, low: 2) }
            #expect(throws: EventLoopError.self) { try transport.setWriteBufferLimits(high: 1, low: -1) }
            #expect(throws: EventLoopError.self) { try transport.setWriteBufferLimits(high: nil, low: .max) }
            #expect(transport.getWriteBufferLimits() == (16 * 1024, 64 * 1024))
            try loop.finish(transport, peer)
        }
    }

    /// What one turn writes is gathered: that it is more than the high mark says nothing about the peer.
    // Behaviour 27
    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func whatTheKernelTakesPausesNobody(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try transport.setWriteBufferLimits(high: 10_000)
            var expected: [UInt8] = []
            for size in [6000, 6000, 10, 20_000, 6000] {
                let bytes = patternBytes(size, seed: expected.count)
                expected += bytes
                transport.write(bytes)
                #expect(recorder.pauseCount == 0)
                #expect(transport.writeBufferSize <= 10_000)
            }
            try loop.turn {
                peer.read()
                return peer.received.count == expected.count
            }
            #expect(peer.received == expected)
            // A peer that is slow pauses as ever, within one turn.
            while recorder.pauseCount == 0, expected.count < 1 << 26 {
                let bytes = patternBytes(6000, seed: expected.count)
                expected += bytes
                transport.write(bytes)
            }
            #expect(recorder.pauseCount == 1)
            #expect(transport.writeBufferSize > 10_000)
            #expect(recorder.resumeCount == 0)
            try loop.turn {
                peer.read()
                return recorder.resumeCount == 1 && peer.received.count == expected.count
            }
            #expect(peer.received == expected)
            #expect(recorder.pauseCount == 1)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func writingFromTheCallbacksKeepsOrderAndCounts(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try transport.setWriteBufferLimits(high: 1 << 20, low: 100_000)
            var expected: [UInt8] = []
            func send(_ count: Int) {
                let bytes = patternBytes(count, seed: expected.count)
                expected += bytes
                transport.write(bytes)
            }
            recorder.onPauseWriting = { _ in send(10) }
            var rounds = 0
            recorder.onResumeWriting = { _ in
                rounds += 1
                if rounds < 5 { send(3 << 20) }
            }
            send(2 << 20)
            try loop.turn {
                peer.read()
                return rounds == 5 && peer.received.count == expected.count
            }
            #expect(peer.received == expected)
            #expect(recorder.pauseCount == 5)
            #expect(recorder.resumeCount == 5)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 28
    // Behaviour 32
    @Test(arguments: LoopKind.allCases, [false, true])
    func closingFromTheCallbacksIsSafe(kind: LoopKind, aborts: Bool) async throws {
        for resumes in [false, true] {
            try await kind.withLoop { loop in
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connect(recorder)
                try transport.setWriteBufferLimits(high: 1 << 20, low: 100_000)
                let end: (any Transport) -> Void = { aborts ? $0.abort() : $0.close() }
                if resumes { recorder.onResumeWriting = end } else { recorder.onPauseWriting = end }
                transport.write(patternBytes(2 << 20))
                try loop.turn {
                    peer.read()
                    return recorder.lostCount == 1 && peer.sawEnd
                }
                #expect(recorder.lostError == nil)
                if !aborts || resumes { #expect(peer.received == patternBytes(2 << 20)) }
                try loop.finish(transport, peer)
                #expect(recorder.lostCount == 1)
            }
        }
    }
}
