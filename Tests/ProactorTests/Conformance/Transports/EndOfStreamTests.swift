import Testing

@testable import Proactor

@Suite struct EndOfStreamTests {
    // Behaviour 30
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func falseClosesAfterWhatWasWritten(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            recorder.onEOF = { transport in
                transport.write(patternBytes(300_000))
                return false
            }
            let (transport, peer) = try loop.connect(recorder, over: socket)
            peer.write("question")
            peer.finish()
            try loop.turn {
                peer.read()
                return peer.sawEnd
            }
            #expect(peer.received == patternBytes(300_000))
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            #expect(recorder.events.suffix(2) == [.eof, .lost] || recorder.eofCount == 1)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 30
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func trueKeepsTheWriteSideOpen(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            recorder.onEOF = { _ in true }
            let (transport, peer) = try loop.connect(recorder, over: socket)
            peer.finish()
            try loop.turn { recorder.eofCount == 1 }
            #expect(!transport.isReading && !transport.isClosing)
            // Nothing left to read, and nothing to spin on.
            transport.pauseReading()
            transport.resumeReading()
            try loop.settle()
            #expect(recorder.eofCount == 1 && recorder.lostCount == 0)
            transport.write("answer")
            try loop.turn {
                peer.read()
                return peer.text == "answer"
            }
            transport.close()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.finish(transport, peer)
        }
    }

    // Pitfall 10
    @Test(arguments: LoopKind.allCases)
    func thoseWhoStopSendingAndDoNotReadHoldUpNobody(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // More than a socket's buffer holds, for more peers than a ring has threads of the kernel's.
            let content = patternBytes(400_000)
            let connections = try (0..<20).map { _ in
                let recorder = RecordingProtocol()
                recorder.onEOF = { transport in
                    transport.write(content)
                    return true
                }
                return try loop.connect(recorder)
            }
            for (_, peer) in connections { peer.finish() }
            try loop.turn { connections.allSatisfy { $0.transport.writeBufferSize > 0 } }
            // The kernel tries a send that it lets wait 128 times, before it gives it to a thread of its own.
            try loop.settle(turns: 300)
            let last = try #require(connections.last)
            try loop.rest {
                last.peer.read()
                return last.peer.received.count >= content.count
            }
            #expect(last.peer.received == content)
            for (transport, peer) in connections { try loop.finish(transport, peer) }
        }
    }

    // Behaviour 31
    @Test(arguments: LoopKind.allCases, [0, 5, 5 << 20])
    func writeEOFFlushesAndReceivesOn(kind: LoopKind, size: Int) async throws {
        try await kind.withLoop { loop in
            var errors: [any Error] = []
            loop.setExceptionHandler { _, context in errors += [context.error].compactMap { $0 } }
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: .tcp)
            #expect(transport.canWriteEOF)
            transport.write(patternBytes(size))
            transport.writeEOF()
            transport.writeEOF()
            transport.write("dropped")
            #expect(errors.count == 1)
            guard case EventLoopError.invalidState? = errors.first as? EventLoopError else {
                Issue.record("a write after writeEOF is an invalid state: \(errors)")
                return
            }
            try loop.turn {
                peer.read()
                return peer.sawEnd
            }
            #expect(peer.received == patternBytes(size))
            #expect(!transport.isClosing)
            peer.write("still heard")
            try loop.turn { recorder.text == "still heard" }
            peer.finish()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            loop.setExceptionHandler(nil)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 33
    @Test(arguments: LoopKind.allCases)
    func anErrorInAProtocolMethodClosesThatTransportOnly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            let sound = RecordingProtocol.echo()
            let (soundTransport, soundPeer) = try loop.connect(sound)
            for place in 0..<5 {
                let recorder = RecordingProtocol()
                let buffered = RecordingBufferedProtocol()
                let failing: any ConnectionProtocol = place < 3 ? recorder : buffered
                switch place {
                case 0: recorder.onMade = { _ in throw TestError(number: 0) }
                case 1: recorder.onData = { _, _ in throw TestError(number: 1) }
                case 2: recorder.onEOF = { _ in throw TestError(number: 2) }
                case 3: buffered.onGetBuffer = { throw TestError(number: 3) }
                default: buffered.onData = { _, _ in throw TestError(number: 4) }
                }
                let (transport, peer) = try loop.connectAny(failing, over: .unix)
                peer.write("data")
                peer.write("more")
                peer.finish()
                try loop.turn { (place < 3 ? recorder.lostErrors : buffered.lostErrors).count == 1 }
                try loop.settle(turns: 3)
                let lost = place < 3 ? recorder.lostErrors : buffered.lostErrors
                #expect(lost.count == 1)
                #expect(lost.first as? TestError == TestError(number: place))
                #expect(reported.count == 1)
                #expect(reported.first?.error as? TestError == TestError(number: place))
                #expect(reported.first?.transport === transport)
                #expect(reported.first?.connectionProtocol === failing)
                reported = []
                try loop.finish(transport, peer)
            }
            soundPeer.write("fine")
            try loop.turn {
                soundPeer.read()
                return soundPeer.text == "fine"
            }
            loop.setExceptionHandler(nil)
            try loop.finish(soundTransport, soundPeer)
        }
    }
}
