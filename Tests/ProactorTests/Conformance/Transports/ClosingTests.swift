import SystemPackage
import Testing

@testable import Proactor

@Suite struct ClosingTests {
    // Behaviour 32
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func closeFlushesToASlowReader(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: socket)
            let bytes = patternBytes(5 << 20)
            transport.write(bytes)
            transport.close()
            #expect(transport.isClosing)
            transport.close()
            try loop.settle()
            #expect(recorder.lostCount == 0)
            #expect(transport.writeBufferSize > 0)
            try loop.turn {
                peer.read(limit: 200_000)
                return peer.sawEnd
            }
            #expect(peer.received == bytes)
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.finish(transport, peer)
            #expect(recorder.lostCount == 1)
        }
    }

    // Behaviour 32
    // Pitfall 24
    @Test(arguments: LoopKind.allCases)
    func abortDoesNotFlush(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for turnsBefore in 0..<3 {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connect(recorder)
                transport.write(patternBytes(5 << 20))
                transport.write(OwnedBuffer(patternBytes(1 << 20)))
                try loop.settle(turns: turnsBefore)
                transport.abort()
                transport.abort()
                transport.close()
                #expect(recorder.lostCount == 0)
                try loop.turn { recorder.lostCount == 1 }
                #expect(recorder.lostError == nil)
                // Nobody read: the send was ended, not waited for.
                try loop.turn { loop.openTransports.count == 0 }
                try loop.turn {
                    peer.read()
                    return peer.isOver
                }
                #expect(peer.received.count < 5 << 20)
                #expect(transport.writeBufferSize == 0)
                try loop.finish(transport, peer)
                #expect(recorder.lostCount == 1)
            }
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func abortEndsACloseThatCannotFlush(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            transport.write(patternBytes(5 << 20))
            transport.close()
            try loop.settle()
            transport.abort()
            try loop.turn { recorder.lostCount == 1 && loop.openTransports.count == 0 }
            #expect(recorder.lostError == nil)
            try loop.finish(transport, peer)
            #expect(recorder.lostCount == 1)
        }
    }

    // Behaviour 32
    // Pitfall 16
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func thePeerSeesTheEndOfAClosedConnection(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            for buffers in [false, true] {
                let recorder: any ConnectionProtocol =
                    buffers ? RecordingBufferedProtocol() : RecordingProtocol()
                let (transport, peer) = try loop.connectAny(recorder, over: socket)
                // A receive is in flight.
                try loop.settle(turns: 3)
                transport.close()
                try loop.turn {
                    peer.read()
                    return peer.sawEnd
                }
                #expect(peer.failure == nil)
                try loop.finish(transport, peer)
            }
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func aResetIsTheReasonOfTheLoss(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for isSending in [false, true] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connect(recorder, over: .tcp)
                if isSending { transport.write([UInt8](repeating: 1, count: 30 << 20)) }
                try loop.settle(turns: 3)
                peer.reset()
                try loop.turn { recorder.lostCount == 1 }
                let errno = (recorder.lostError as? SocketError)?.errno
                #expect(errno == .connectionReset || (isSending && errno == .brokenPipe))
                try loop.finish(transport, peer)
                #expect(recorder.lostCount == 1)
                #expect(recorder.eofCount == 0)
            }
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func aResetIsTheReasonAlsoWhenAWriteIsToldOfItFirst(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: .tcp)
            try loop.settle(turns: 3)
            peer.reset()
            // Large enough to be offered to the kernel at once, which tells it once.
            transport.write([UInt8](repeating: 1, count: 16 << 10))
            try loop.turn { recorder.lostCount == 1 }
            #expect((recorder.lostError as? SocketError)?.errno == .connectionReset)
            #expect(recorder.eofCount == 0)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func aResetIsTheReasonAlsoWhenAnotherConnectionsCallbackMeetsIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (first, second) = (RecordingProtocol(), RecordingProtocol())
            let (trigger, triggerPeer) = try loop.connect(first, over: .tcp)
            let (transport, peer) = try loop.connect(second, over: .tcp)
            // The kernel tells the write, and the receive that is about to be made is told of an end.
            first.onData = { _, _ in transport.write([UInt8](repeating: 1, count: 16 << 10)) }
            try loop.settle(turns: 3)
            triggerPeer.write("x")
            peer.reset()
            try loop.turn { second.lostCount == 1 }
            #expect((second.lostError as? SocketError)?.errno == .connectionReset)
            #expect(second.eofCount == 0)
            try loop.finish(trigger, triggerPeer)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func aPeerThatGoesWhileThisSideFlushesEndsIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            transport.write(patternBytes(5 << 20))
            transport.close()
            try loop.settle()
            peer.close()
            try loop.turn { recorder.lostCount == 1 }
            #expect((recorder.lostError as? SocketError)?.operation == .send)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func everyMethodIsSafeInEveryCallback(kind: LoopKind) async throws {
        let actions: [@Sendable (any Transport) -> Void] = [
            { $0.close() },
            { $0.abort() },
            { transport in
                transport.close()
                transport.abort()
                transport.write("late")
            },
            { transport in
                transport.write(patternBytes(20_000))
                transport.close()
                transport.pauseReading()
            },
            { transport in
                transport.pauseReading()
                transport.writeEOF()
                transport.abort()
                transport.resumeReading()
            },
        ]
        for (index, action) in actions.enumerated() {
            for place in 0..<4 {
                try await kind.withLoop { loop in
                    let lives = LifeCounter()
                    weak var freed: AnyObject?
                    try {
                        let recorder = RecordingProtocol(life: lives)
                        switch place {
                        case 0: recorder.onMade = action
                        case 1: recorder.onData = { transport, _ in action(transport) }
                        case 2:
                            recorder.onEOF = { transport in
                                action(transport)
                                return true
                            }
                        default:
                            recorder.onData = { transport, _ in transport.close() }
                            recorder.onLost = action
                        }
                        let (transport, peer) = try loop.connect(recorder)
                        freed = transport
                        peer.write("data")
                        try loop.settle(turns: 3)
                        peer.finish()
                        try loop.turn { recorder.lostCount == 1 }
                        try loop.turn { loop.openTransports.count == 0 }
                        peer.read()
                        if index == 3, place < 3 { #expect(peer.received == patternBytes(20_000)) }
                        try loop.finish(transport, peer)
                        try loop.settle(turns: 3)
                        #expect(recorder.lostCount == 1, "action \(index) in callback \(place)")
                        #expect(recorder.events.first == .made && recorder.events.last == .lost)
                    }()
                    #expect(lives.alive == 0, "the protocol leaked: action \(index) in callback \(place)")
                    #expect(freed == nil, "the transport leaked: action \(index) in callback \(place)")
                }
            }
        }
    }

    // Behaviour 32
    // Pitfall 16
    @Test(arguments: LoopKind.allCases)
    func theSocketStaysOpenUntilItsReceiveIsOver(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try loop.settle()
            var closes = 0
            backend.onSubmit = { if $0.kind == .close { closes += 1 } }
            backend.losesCancels = true
            transport.abort()
            try loop.settle()
            #expect(recorder.lostCount == 1)
            #expect(closes == 0)
            // Only this ends the receive now.
            peer.close()
            try loop.turn { closes == 1 }
            backend.onSubmit = nil
        }
    }

    // Behaviour 32
    // Pitfall 24
    @Test(arguments: LoopKind.allCases)
    func aClosedLoopTakesItsTransportsAlong(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            weak var freed: AnyObject?
            loop.debug = true
            let lines = try LogCapture.lines {
                let recorder = RecordingProtocol(life: lives)
                let (transport, peer) = try loop.connect(recorder)
                let (bufferedTransport, bufferedPeer) = try loop.connect(RecordingBufferedProtocol())
                freed = transport
                transport.write(patternBytes(5 << 20))
                transport.write(OwnedBuffer(patternBytes(10)))
                try loop.settle(turns: 3)
                bufferedPeer.write("while the loop closes")
                peer.write("while the loop closes")
                try loop.close()
                // Nothing runs on a closed loop: as in asyncio, the protocol is not told.
                #expect(recorder.lostCount == 0)
                // The kernel takes a ring down in its own time.
                peer.waitUntilOver()
                bufferedPeer.waitUntilOver()
                #expect(peer.isOver && bufferedPeer.isOver)
                for transport in [transport, bufferedTransport] {
                    #expect(transport.isClosing)
                    #expect(transport.getProtocol() == nil)
                    // Whom the connection was with is still known, for a log.
                    #expect(transport.extraInfo(.peerName) != nil)
                    transport.write("x")
                    transport.pauseReading()
                    transport.close()
                    transport.abort()
                }
            }
            #expect(lines.count { $0.contains("transport") && $0.contains("still open") } == 2)
            #expect(lives.alive == 0)
            #expect(freed == nil)
        }
    }

    // Behaviour 26
    @Test(arguments: LoopKind.allCases)
    func lateWritesAreIgnoredAndLoggedOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            loop.setExceptionHandler { _, context in Issue.record("\(context)") }
            let first = LogCapture.lines {
                transport.write("kept")
                transport.close()
                for _ in 0..<4 { transport.write("dropped") }
            }
            #expect(first.isEmpty)
            let fifth = try LogCapture.lines {
                transport.write(OwnedBuffer([1]))
                for _ in 0..<600 { transport.write([2]) }
                try loop.turn { recorder.lostCount == 1 }
                for _ in 0..<600 { transport.write([2]) }
                try loop.turn { loop.openTransports.count == 0 }
                for _ in 0..<600 { transport.writeLines([[2], [3]]) }
                transport.writeEOF()
            }
            #expect(fifth.count == 1)
            peer.read()
            #expect(peer.text == "kept")
            loop.setExceptionHandler(nil)
            try loop.finish(transport, peer)
        }
    }
}

extension BaseEventLoop {
    /// As `connect`, for a protocol whose type is not known.
    func connectAny(
        _ connectionProtocol: any ConnectionProtocol,
        over kind: SocketPair.Kind
    ) throws -> (transport: any Transport, peer: RawPeer) {
        try connect(connectionProtocol, over: kind)
    }
}
