import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct WritePipeTests {
    // Behaviour 27, 28
    // Pitfall 34
    @Test(arguments: LoopKind.allCases)
    func writesKeepTheirOrderUnderFlowControl(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(recorder)
            #expect(transport.extraInfo(.pipe) == pipe.writing)
            var expected: [UInt8] = []
            for size in [1, 700, 70_000, 300_000, 10] {
                let bytes = patternBytes(size, seed: size)
                expected += bytes
                // What one segment does not hold goes out as a vector.
                if size == 300_000 { transport.write(OwnedBuffer(bytes)) } else { transport.write(bytes) }
            }
            #expect(recorder.pauseCount == 1)
            try loop.settle()
            #expect(recorder.resumeCount == 0 && transport.writeBufferSize > 64 * 1024)
            try loop.turn {
                pipe.read(limit: 40_000)
                return pipe.received.count == expected.count
            }
            #expect(pipe.received == expected)
            try loop.turn { recorder.resumeCount == 1 }
            #expect(recorder.pauseCount == 1 && transport.writeBufferSize == 0)
            transport.close()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.turnUntilClosed(transport)
            try loop.turn {
                pipe.read()
                return pipe.sawEnd
            }
        }
    }

    // Behaviour 31, 32
    @Test(arguments: LoopKind.allCases, [false, true])
    func theEndFollowsWhatWasWritten(kind: LoopKind, byEOF: Bool) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(recorder)
            #expect(transport.canWriteEOF)
            transport.write(patternBytes(500_000))
            if byEOF { transport.writeEOF() } else { transport.close() }
            // A pipe has no other direction that could stay open.
            #expect(transport.isClosing)
            transport.write("too late")
            try loop.settle(turns: 3)
            #expect(recorder.lostCount == 0)
            try loop.turn {
                pipe.read()
                return pipe.sawEnd
            }
            #expect(pipe.received == patternBytes(500_000))
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.turnUntilClosed(transport)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func anAbortDropsWhatWasWritten(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(recorder)
            transport.write(patternBytes(1 << 20))
            try loop.settle(turns: 3)
            transport.abort()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.turnUntilClosed(transport)
            try loop.turn {
                pipe.read()
                return pipe.sawEnd
            }
            #expect(pipe.received.count < 1 << 20)
            #expect(pipe.received == patternBytes(pipe.received.count))
        }
    }

    @Test(arguments: LoopKind.allCases, [0, 1 << 20])
    func theReaderIsSeenToGoAway(kind: LoopKind, size: Int) async throws {
        // Ignored, the signal could not end the program and this would show less.
        try #require(signalDisposition(SIGPIPE) == .default)
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(recorder)
            transport.write(patternBytes(size))
            try loop.settle(turns: 5)
            #expect(recorder.lostCount == 0)
            pipe.close(pipe.reading)
            try loop.turn { recorder.lostCount == 1 }
            let expected: PipeError? = size == 0 ? nil : .failed(.write, .brokenPipe)
            #expect(recorder.lostError as? PipeError == expected)
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whereTheReadersEndCannotBeWaitedForItIsAskedOnce(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            var waits = 0
            backend.onSubmit = { if $0.kind == .waitForHangUp { waits += 1 } }
            backend.failures[.waitForHangUp] = [.noMemory]
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(recorder)
            try loop.settle()
            transport.write("all the same")
            try loop.turn {
                pipe.read()
                return pipe.received == Array("all the same".utf8)
            }
            #expect(waits == 1 && recorder.events == [.made])
            // Only a write finds out then, once no child of another test's has a copy of the end.
            pipe.close(pipe.reading)
            try loop.turn {
                if recorder.lostCount == 0 { transport.write("too late") }
                return recorder.lostCount == 1
            }
            #expect(recorder.lostError as? PipeError == .failed(.write, .brokenPipe))
            backend.onSubmit = nil
            try loop.turnUntilClosed(transport)
        }
    }

    // Pitfall 16
    @Test(arguments: LoopKind.allCases)
    func thePipeStaysOpenUntilTheWaitForItsReaderIsOver(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(recorder)
            try loop.settle(turns: 3)
            backend.losesCancels = true
            transport.abort()
            try loop.turn { recorder.lostCount == 1 }
            try loop.settle()
            pipe.read()
            #expect(!pipe.sawEnd)
            backend.losesCancels = false
            pipe.close(pipe.reading)
            try loop.turnUntilClosed(transport)
            #expect(recorder.lostCount == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aWriteThatNobodyReadsRaisesNoSignal(kind: LoopKind) async throws {
        try #require(signalDisposition(SIGPIPE) == .default)
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(recorder)
            // Gone before the loop can have heard of it, with one segment and with a vector.
            pipe.close(pipe.reading)
            transport.write(patternBytes(70_000))
            transport.write(OwnedBuffer(patternBytes(10)))
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError as? PipeError == .failed(.write, .brokenPipe))
            var blocked = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &blocked)
            #expect(sigismember(&blocked, SIGPIPE) == 0)
            try loop.turnUntilClosed(transport)
        }
    }

    /// As on a kernel without the flag for quiet writes.
    @Test(arguments: SelectorKind.allCases)
    func aSelectorHoldsTheSignalWhereItMust(kind: SelectorKind) async throws {
        try #require(signalDisposition(SIGPIPE) == .default)
        try await onThread {
            let harness = try SelectorHarness(kind, calls: SocketCalls(usesQuietWrites: false))
            let pipe = try RawPipe()
            pipe.close(pipe.reading)
            let recorder = CompletionRecorder()
            let bytes = UnsafeRawBufferPointer(harness.buffer([1, 2, 3]))
            let token = harness.backend.submit(.pipeWrite(pipe.writing, bytes), owner: recorder)
            harness.run(until: { recorder.finals.count == 1 })
            #expect(recorder.finals.first?.token == token)
            #expect(recorder.finals.first?.result == -EPIPE)
            var pending = sigset_t()
            sigpending(&pending)
            #expect(sigismember(&pending, SIGPIPE) == 0)
        }
    }

    /// A socket says with the same voice that data has come and that the peer is gone.
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func dataForASocketThatOnlyWritesIsNoHangUp(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(socket)
            let peer = RawPeer(pair.second)
            let recorder = RecordingProtocol()
            let transport = try loop.run {
                try await loop.connectWritePipe(pair.first) { recorder }.transport
            }
            try loop.settle(turns: 3)
            peer.write("who is there")
            try loop.settle()
            #expect(recorder.events == [.made])
            let turns = try loop.turnsWhileIdle()
            #expect(turns < 20, "the loop spins on what nobody reads")
            transport.write("only me")
            try loop.turn {
                peer.read()
                return peer.text == "only me"
            }
            transport.close()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.turnUntilClosed(transport)
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSocketReadsAsAPipe(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let recorder = RecordingProtocol()
            let transport = try loop.run { try await loop.connectReadPipe(pair.first) { recorder }.transport }
            peer.write("through a socket")
            try loop.turn { recorder.text == "through a socket" }
            peer.close()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.eofCount == 1)
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func aPeerThatOnlyStopsSendingIsWrittenTo(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(socket)
            let peer = RawPeer(pair.second)
            let recorder = RecordingProtocol()
            let transport = try loop.run {
                try await loop.connectWritePipe(pair.first) { recorder }.transport
            }
            try loop.settle(turns: 3)
            peer.finish()
            try loop.settle()
            #expect(recorder.events == [.made])
            transport.write("still there")
            try loop.turn {
                peer.read()
                return peer.text == "still there"
            }
            transport.close()
            try loop.turnUntilClosed(transport)
            #expect(recorder.events == [.made, .lost] && recorder.lostError == nil)
            peer.close()
        }
    }

    // Pitfall 10
    @Test(arguments: LoopKind.allCases, [false, true])
    func aPeerThatStoppedSendingAndReadsLateGetsAll(kind: LoopKind, isVector: Bool) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let recorder = RecordingProtocol()
            let transport = try loop.run {
                try await loop.connectWritePipe(pair.first) { recorder }.transport
            }
            peer.finish()
            let content = patternBytes(1_000_001)
            if isVector { transport.write(Array(content[..<1000])) }
            transport.write(OwnedBuffer(Array(content[(isVector ? 1000 : 0)...])))
            try loop.turnUntilWaiting()
            // Where the kernel waits at first, it has given that up by then.
            try loop.settle(turns: 300)
            let before = loop.turnNumber
            try loop.callLater(.milliseconds(20)) { loop.stop() }
            try loop.runForever()
            #expect(loop.turnNumber - before < 50, "the loop did not rest")
            #expect(transport.writeBufferSize > 0)
            try loop.rest {
                peer.read()
                return peer.received.count >= content.count
            }
            #expect(peer.received == content)
            transport.close()
            try loop.turnUntilClosed(transport)
            #expect(recorder.lostCount == 1 && recorder.lostError == nil)
        }
    }
}

extension BaseEventLoop {
    /// How many turns the loop makes within 50 ms in which nothing is to be done.
    fileprivate func turnsWhileIdle() throws -> Int {
        var turns = 0
        try callLater(.milliseconds(50)) { self.stop() }
        let before = backend.system.now()
        while before.duration(to: backend.system.now()) < .milliseconds(50) {
            turns += 1
            guard turns < 1000 else { break }
            backend.settle()
            backend.poll(timeoutNanoseconds: 10_000_000)
            backend.deliver()
        }
        return turns
    }
}
