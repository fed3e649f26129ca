import Testing

@testable import Proactor

@Suite struct TLSClosingTests {
    private let context = ScriptedTLS()
    private static let much = patternBytes(3 << 20)

    // Behaviour 37
    // Pitfall 47
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func aCloseSendsAllAndWaitsForTheAnswer(kind: LoopKind, socket: SocketPair.Kind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for answer in ["close_notify", "end of stream"] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context), over: socket)
                transport.write(Self.much)
                transport.close()
                transport.close()
                #expect(transport.isClosing && !transport.isReading)
                try loop.turn {
                    peer.step(limit: 500_000)
                    return peer.sawCloseNotify
                }
                #expect(peer.received == Self.much)
                try loop.settle()
                #expect(recorder.lostCount == 0 && !peer.raw.sawEnd)
                if answer == "close_notify" { peer.closeNotify() } else { peer.raw.finish() }
                try loop.turn {
                    peer.step()
                    return recorder.lostCount == 1 && peer.raw.sawEnd
                }
                #expect(recorder.lostError == nil && recorder.eofCount == 0)
                try loop.finish(transport, peer)
                #expect(loop.timers.count == 0)
            }
        }
    }

    // Pitfall 47
    @Test(arguments: LoopKind.allCases)
    func aPeerThatNeverAnswersIsGivenUp(kind: LoopKind) async throws {
        let context = context
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            for reads in [true, false] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
                transport.write(reads ? Array("short".utf8) : Self.much)
                transport.close()
                try loop.turn {
                    if reads { peer.step() }
                    return !reads || peer.sawCloseNotify
                }
                try loop.settle()
                backend.advanceClock(by: .seconds(29))
                try loop.settle()
                #expect(recorder.lostCount == 0)
                // Some of what it was sent may have gone in the first half minute.
                for _ in 0..<3 where recorder.lostCount == 0 {
                    backend.advanceClock(by: .seconds(30))
                    try loop.settle()
                }
                #expect((recorder.lostError as? TLSError)?.reason == .timedOut(.seconds(30)))
                #expect(recorder.lostCount == 1)
                try loop.finish(transport, peer)
                #expect(loop.timers.count == 0)
            }
        }
    }

    // Pitfall 47
    @Test(arguments: LoopKind.allCases)
    func aSlowPeerIsNotGivenUp(kind: LoopKind) async throws {
        let context = context
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            transport.write(Self.much)
            transport.close()
            for _ in 0..<6 {
                let before = peer.received.count
                try loop.turn {
                    peer.step(limit: 100_000)
                    return peer.received.count > before + 300_000
                }
                try loop.settle()
                backend.advanceClock(by: .seconds(30))
                try loop.settle()
                #expect(recorder.lostCount == 0)
            }
            try loop.turn {
                peer.step()
                return peer.sawCloseNotify
            }
            #expect(peer.received == Self.much)
            peer.closeNotify()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.finish(transport, peer)
        }
    }

    // Pitfall 48
    @Test(arguments: LoopKind.allCases)
    func aStreamThatIsCutIsToldFromOneThatEnds(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for (way, tolerates) in [
                ("notify", false), ("cut", false), ("cut", true), ("cut amid a record", false),
            ] {
                var options = TLSOptions(context)
                options.toleratesTruncation = tolerates
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connectTLS(recorder, options)
                peer.write("all of it", sends: false)
                switch way {
                case "notify":
                    peer.closeNotify()
                case "cut":
                    peer.send()
                    peer.raw.finish()
                default:
                    peer.raw.write(peer.takeOutgoing() + [ScriptedRecord.data, 3, 3])
                    peer.raw.finish()
                }
                try loop.turn {
                    peer.step()
                    if peer.sawCloseNotify { peer.raw.close() }
                    return recorder.lostCount == 1
                }
                #expect(recorder.text == "all of it")
                if way == "notify" || tolerates {
                    #expect(recorder.lostError == nil && recorder.eofCount == 1)
                } else {
                    #expect((recorder.lostError as? TLSError)?.reason == .truncated)
                    #expect(recorder.eofCount == 0)
                }
                try loop.finish(transport, peer)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func afterThePeersEndOneMayStillWrite(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            recorder.onEOF = { _ in true }
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            peer.write("question")
            peer.closeNotify()
            try loop.turn { recorder.eofCount == 1 }
            try loop.settle()
            #expect(!transport.isClosing && !transport.isReading)
            transport.write(Self.much)
            // Pitfall 49: nothing behind its end counts.
            peer.raw.write([9, 9, 9, 9, 9, 9, 9])
            try loop.turn {
                peer.step()
                return peer.received.count == Self.much.count
            }
            transport.close()
            // Both have said it: there is nothing to wait for.
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil && recorder.text == "question")
            try loop.turn {
                peer.step()
                return peer.sawCloseNotify && peer.raw.isOver
            }
            try loop.finish(transport, peer)
        }
    }

    // Pitfall 49
    @Test(arguments: LoopKind.allCases)
    func whatComesAfterTheOwnEndIsIgnored(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            loop.setExceptionHandler { _, context in Issue.record("\(context)") }
            for late in ["data", "alert", "garbage", "reset", "data and end"] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context), over: .tcp)
                transport.write("bye")
                transport.close()
                try loop.turn {
                    peer.step()
                    return peer.sawCloseNotify
                }
                // The send's completion, after which the rest is of no interest.
                try loop.settle(turns: 3)
                switch late {
                case "data":
                    peer.write(patternBytes(100_000))
                    peer.closeNotify()
                case "alert":
                    peer.raw.write(ScriptedRecord.make(ScriptedRecord.alert, [80], key: context.key))
                case "garbage": peer.raw.write(Array(repeating: 7, count: 1000))
                case "reset": peer.raw.reset()
                default:
                    peer.write("x")
                    peer.raw.finish()
                }
                try loop.turn {
                    peer.send()
                    return recorder.lostCount == 1
                }
                #expect(recorder.lostError == nil && recorder.received.isEmpty, "\(late)")
                try loop.finish(transport, peer)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anAbortDropsAndSaysNothing(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for state in ["open", "closing", "shutting down", "paused", "with a reset"] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context), over: .tcp)
                switch state {
                case "closing":
                    transport.write(Self.much)
                    transport.close()
                case "shutting down":
                    transport.close()
                    try loop.settle()
                    #expect(transport.phase == .shuttingDown)
                case "paused":
                    transport.pauseReading()
                    peer.write("x")
                    try loop.settle()
                default: transport.write(Self.much)
                }
                let isReset = state == "with a reset"
                if isReset { transport.abort(withReset: true) } else { transport.abort() }
                transport.abort()
                #expect(recorder.lostCount == 0)
                try loop.turn {
                    peer.step()
                    return recorder.lostCount == 1 && peer.raw.isOver
                }
                #expect(recorder.lostError == nil)
                #expect((peer.raw.failure == .connectionReset) == isReset || state == "paused")
                #expect(peer.sawCloseNotify == (state == "shutting down"))
                try loop.finish(transport, peer)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCloseMayHaveATime(kind: LoopKind) async throws {
        let context = context
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            for reads in [true, false] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
                transport.write(reads ? Array("short".utf8) : Self.much)
                transport.close(timeout: .seconds(5))
                try loop.settle()
                #expect(recorder.lostCount == 0)
                backend.advanceClock(by: .seconds(5))
                try loop.turn { recorder.lostCount == 1 }
                // Where all was sent, the answer alone is missing.
                #expect((recorder.lostError as? TimeoutError != nil) == !reads)
                try loop.finish(transport, peer)
                let other = RecordingProtocol()
                let (second, its) = try loop.connectTLS(other, TLSOptions(context))
                second.write(reads ? Array("short".utf8) : Self.much)
                second.close(timeout: .zero)
                try loop.turn { other.lostCount == 1 }
                #expect((other.lostError as? TimeoutError != nil) == !reads)
                try loop.turn {
                    its.step()
                    return its.raw.isOver
                }
                #expect(!reads || its.text == "short" && its.sawCloseNotify)
                try loop.finish(second, its)
                #expect(loop.timers.count == 0)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func nothingIsLeftOfItsObjects(kind: LoopKind) async throws {
        let life = LifeCounter()
        let context = ScriptedTLS()
        try await kind.withLoop { loop in
            for way in ["close", "abort", "peer", "reset"] {
                var transport: TLSTransport?
                var ends: (any ConnectionProtocol)? = RecordingProtocol(life: life)
                let made = try loop.connectTLS(try #require(ends), TLSOptions(context), over: .tcp)
                transport = made.transport
                ends = nil
                switch way {
                case "close": transport?.close()
                case "abort": transport?.abort()
                case "peer": made.peer.closeNotify()
                default: made.peer.raw.reset()
                }
                try loop.turn {
                    if way != "reset" { made.peer.step() }
                    if made.peer.sawCloseNotify { made.peer.raw.close() }
                    return made.transport.phase == .ended
                }
                // The transport is held here, and holds nobody.
                #expect(transport?.engine == nil && transport?.getProtocol() == nil)
                #expect(life.alive == 0)
                made.peer.raw.close()
                transport = nil
                try loop.turn { loop.openTransports.count == 0 }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anIdleConnectionIsLost(kind: LoopKind) async throws {
        let context = context
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            try transport.setIdleTimeout(.seconds(8))
            #expect(transport.idleTimeout == .seconds(8))
            for _ in 0..<6 {
                backend.advanceClock(by: .seconds(3))
                peer.write("x")
                try loop.settle(turns: 3)
            }
            #expect(recorder.lostCount == 0)
            for _ in 0..<6 {
                backend.advanceClock(by: .seconds(2))
                try loop.settle(turns: 2)
            }
            #expect(recorder.lostError is TimeoutError)
            try loop.finish(transport, peer)
        }
    }
}
