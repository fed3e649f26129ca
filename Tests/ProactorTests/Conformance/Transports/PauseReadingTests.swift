import Testing

@testable import Proactor

@Suite struct PauseReadingTests {
    // Behaviour 29
    // Behaviour 11
    @Test(arguments: LoopKind.allCases)
    func pausedInConnectionMadeItHoldsTheDataBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            recorder.onMade = { $0.pauseReading() }
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            peer.write("early")
            let transport = try loop.run {
                try await loop.connectAcceptedSocket(pair.first) { recorder }.transport
            }
            try loop.settle()
            #expect(recorder.events == [.made])
            #expect(!transport.isReading)
            transport.resumeReading()
            #expect(transport.isReading)
            #expect(recorder.received.isEmpty)
            try loop.turn { recorder.text == "early" }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 29
    // Pitfall 33
    @Test(arguments: LoopKind.allCases, [false, true])
    func pausedInDataReceivedItLosesNothing(kind: LoopKind, losesCancels: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            // A cancel that comes too late: data still arrives at a paused transport.
            backend.losesCancels = losesCancels
            let recorder = RecordingProtocol()
            recorder.onData = { transport, _ in transport.pauseReading() }
            let (transport, peer) = try loop.connect(recorder)
            var expected: [UInt8] = []
            for round in 0..<20 {
                let bytes = patternBytes(3000, seed: round)
                expected += bytes
                peer.write(bytes)
                try loop.settle(turns: 3)
                if !round.isMultiple(of: 3) { transport.resumeReading() }
                try loop.settle(turns: round % 3)
            }
            try loop.turn {
                transport.resumeReading()
                return recorder.received.count >= expected.count
            }
            #expect(recorder.received == expected)
            backend.losesCancels = false
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 29
    // Pitfall 28
    // Pitfall 33
    @Test(arguments: LoopKind.allCases)
    func pausesWhileBuffersRunOutLoseNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // More than a ring's buffers hold, all at once: receives find none while their transports pause.
            let expected = patternBytes(150_000, seed: 7)
            let connections = try (0..<64).map { _ in
                let recorder = RecordingProtocol()
                recorder.onData = { transport, _ in
                    transport.pauseReading()
                    try loop.callSoon { transport.resumeReading() }
                }
                let (transport, peer) = try loop.connect(recorder)
                return (recorder: recorder, transport: transport, peer: peer)
            }
            let counts = connections.map { $0.peer.write(expected) }
            try loop.turn {
                zip(connections, counts).allSatisfy {
                    $0.recorder.received.count >= $1 || $0.recorder.lostCount > 0
                }
            }
            for (connection, count) in zip(connections, counts) {
                #expect(connection.recorder.lostError == nil)
                let isWhole = connection.recorder.received == Array(expected[..<count])
                #expect(isWhole)
                try loop.finish(connection.transport, connection.peer)
            }
        }
    }

    // Behaviour 29
    @Test(arguments: LoopKind.allCases)
    func aPausedProtocolIsLeftAlone(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try loop.settle(turns: 3)
            // Data and pause in the same turn.
            peer.write("one")
            transport.pauseReading()
            transport.pauseReading()
            try loop.settle()
            #expect(recorder.received.isEmpty)
            // Twice paused is once paused.
            transport.resumeReading()
            transport.resumeReading()
            try loop.turn { recorder.text == "one" }
            transport.pauseReading()
            try loop.settle(turns: 3)
            peer.write("two")
            try loop.settle()
            // Resumed and paused again in one turn: nothing may slip through.
            transport.resumeReading()
            transport.pauseReading()
            try loop.settle()
            #expect(recorder.text == "one")
            transport.resumeReading()
            transport.pauseReading()
            transport.resumeReading()
            try loop.turn { recorder.text == "onetwo" }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 29
    // Pitfall 33
    @Test(arguments: LoopKind.allCases)
    func aPausedTransportBuffersWithABound(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try loop.settle(turns: 3)
            transport.pauseReading()
            let bytes = patternBytes(16 << 20)
            var sent = 0
            var idleTurns = 0
            while sent < bytes.count, idleTurns < 20 {
                let count = peer.write(bytes[sent..<min(sent + 100_000, bytes.count)])
                idleTurns = count == 0 ? idleTurns + 1 : 0
                sent += count
                try loop.turn()
            }
            // The kernel's buffers are full, and the transport takes nothing out of them.
            #expect(sent < bytes.count)
            #expect(recorder.received.isEmpty)
            transport.resumeReading()
            try loop.turn { recorder.received.count >= sent }
            #expect(recorder.received == Array(bytes[..<sent]))
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 29
    // Behaviour 30
    @Test(arguments: LoopKind.allCases, [false, true])
    func theEndStaysBehindDataThatIsHeldBack(kind: LoopKind, losesCancels: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.losesCancels = losesCancels
            let recorder = RecordingProtocol()
            recorder.onData = { transport, _ in transport.pauseReading() }
            let (transport, peer) = try loop.connect(recorder)
            peer.write("a")
            try loop.turn { recorder.text == "a" }
            peer.write("b")
            try loop.settle(turns: 3)
            peer.finish()
            try loop.settle()
            #expect(recorder.events == [.made, .data(1)])
            transport.resumeReading()
            // The second piece pauses again: the end waits.
            try loop.turn { recorder.text == "ab" }
            try loop.settle()
            #expect(recorder.eofCount == 0)
            transport.resumeReading()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.events == [.made, .data(1), .data(1), .eof, .lost])
            #expect(recorder.lostError == nil)
            backend.losesCancels = false
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 29
    // Pitfall 33
    @Test(arguments: LoopKind.allCases, [false, true])
    func aResetStaysBehindDataThatIsHeldBack(kind: LoopKind, losesCancels: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.losesCancels = losesCancels
            let recorder = RecordingProtocol()
            recorder.onData = { transport, _ in transport.pauseReading() }
            let (transport, peer) = try loop.connect(recorder, over: .tcp)
            peer.write("a")
            try loop.turn { recorder.text == "a" }
            peer.write("b")
            try loop.settle(turns: 3)
            peer.reset()
            try loop.settle()
            #expect(recorder.events == [.made, .data(1)])
            #expect(!transport.isClosing)
            transport.resumeReading()
            // The second piece pauses again: the error waits.
            try loop.turn { recorder.text == "ab" }
            try loop.settle()
            #expect(recorder.lostCount == 0)
            transport.resumeReading()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.events == [.made, .data(1), .data(1), .lost])
            let error = try #require(recorder.lostError as? SocketError)
            #expect(error.operation == .receive && error.errno == .connectionReset)
            backend.losesCancels = false
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func aWriteThatFailsEndsAPausedConnectionAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: .tcp)
            transport.pauseReading()
            try loop.settle(turns: 3)
            peer.reset()
            // It waits for what it wrote, as a protocol does that reads on only when its own writes have gone.
            try loop.turn {
                if recorder.lostCount == 0 { transport.write("x") }
                return recorder.lostCount == 1
            }
            #expect((recorder.lostError as? SocketError)?.operation == .send)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 29
    @Test(arguments: LoopKind.allCases)
    func pausingWhileClosingDoesNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            transport.write("bye")
            transport.close()
            transport.pauseReading()
            transport.resumeReading()
            #expect(!transport.isReading)
            peer.write("too late")
            try loop.turn { recorder.lostCount == 1 }
            transport.pauseReading()
            transport.resumeReading()
            #expect(recorder.received.isEmpty)
            try loop.finish(transport, peer)
            transport.pauseReading()
            transport.resumeReading()
            #expect(!transport.isReading)
            try loop.settle(turns: 3)
            #expect(recorder.events == [.made, .lost])
        }
    }

    // Behaviour 29
    // Behaviour 32
    @Test(arguments: LoopKind.allCases, [false, true])
    func aPausedTransportCanBeClosed(kind: LoopKind, aborts: Bool) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            transport.pauseReading()
            peer.write("never seen")
            try loop.settle()
            transport.resumeReading()
            if aborts { transport.abort() } else { transport.close() }
            try loop.turn { recorder.lostCount == 1 }
            try loop.settle()
            #expect(recorder.events == [.made, .lost])
            try loop.finish(transport, peer)
        }
    }
}
