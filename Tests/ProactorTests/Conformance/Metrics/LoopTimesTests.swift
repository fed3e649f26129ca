import Testing

@testable import Proactor

/// What a measured loop says of its time. The clock stands still but for what the tests let pass.
@Suite struct LoopTimesTests {
    private func metrics(of loop: BaseEventLoop) throws -> LoopMetrics { try #require(loop.metrics) }

    @Test(arguments: LoopKind.allCases)
    func theLongestOfManyIsTold(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            loop.isMeasured = true
            for milliseconds in [1, 5, 3, 0] {
                try loop.callSoon { backend.advanceClock(by: .milliseconds(milliseconds)) }
            }
            try loop.turn()
            let times = try metrics(of: loop)
            #expect(times.longestCallback == .milliseconds(5))
            #expect(times.timeInCallbacks == .milliseconds(9) && times.timeInPoll == .zero)
            #expect(times.timeSubmitting == .zero && times.measuredTime == .milliseconds(9))
        }
    }

    /// A call of the program's, wherever it comes from.
    enum Call: CaseIterable {
        case madeByServer, data, end, lost, timer, taskStep, afterReceive, afterSend, resumeWriting, reader
    }

    @Test(arguments: LoopKind.allCases, Call.allCases)
    func noCallEscapes(kind: LoopKind, call: Call) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            loop.isMeasured = true
            var isSlow = false
            func slow() {
                guard !isSlow else { return }
                isSlow = true
                backend.advanceClock(by: .milliseconds(7))
            }
            try make(call, on: loop, slow)
            try loop.turn(until: { isSlow })
            // One more for what the end of the turn tells.
            try loop.turn()
            let times = try metrics(of: loop)
            #expect(times.longestCallback == .milliseconds(7))
            #expect(times.timeInCallbacks + times.timeSubmitting == .milliseconds(7))
            for transport in loop.openTransports.members { transport.abort() }
            for server in loop.openServers { server.close() }
            try loop.turn(until: { loop.openTransports.count == 0 && loop.tasks.count == 0 })
        }
    }

    /// Has the call come in one of the next turns.
    private func make(_ call: Call, on loop: BaseEventLoop, _ slow: @escaping () -> Void) throws {
        switch call {
        case .madeByServer:
            let server = try loop.serve {
                let recorder = RecordingProtocol()
                recorder.onMade = { _ in slow() }
                return recorder
            }
            try RawPeer(connectedTo: loop.port(of: server)).close()
        case .data, .end, .lost:
            let recorder = RecordingProtocol()
            if call == .data { recorder.onData = { _, _ in slow() } }
            if call == .end {
                recorder.onEOF = { _ in
                    slow()
                    return false
                }
            }
            if call == .lost { recorder.onLost = { _ in slow() } }
            let (_, peer) = try loop.connect(recorder)
            peer.write("!")
            peer.close()
        case .timer:
            try loop.callLater(.zero) { slow() }
        case .taskStep:
            loop.createTask {
                try await sleep(for: .zero)
                slow()
            }
        case .afterReceive, .afterSend:
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            peer.write("!")
            loop.createTask {
                if call == .afterReceive { _ = try await loop.sockRecv(pair.first, upTo: 1) }
                if call == .afterSend { try await loop.sockSendAll(pair.first, Array("!".utf8)) }
                slow()
                try pair.first.close()
                peer.close()
            }
        case .resumeWriting:
            let recorder = RecordingProtocol()
            recorder.onResumeWriting = { _ in slow() }
            let (transport, peer) = try loop.connect(recorder)
            try transport.setWriteBufferLimits(high: 10, low: 5)
            for _ in 0..<1000 where recorder.pauseCount == 0 { transport.write(patternBytes(50_000)) }
            try loop.settle(turns: 3)
            loop.createTask {
                while recorder.resumeCount == 0 {
                    peer.read()
                    try await sleep(for: .zero)
                }
                peer.close()
            }
        case .reader:
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            peer.write("!")
            try loop.addReader(pair.first) {
                slow()
                try loop.removeReader(pair.first)
                try pair.first.close()
                peer.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTimersLagIsFromItsDeadlineToItsCallback(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            loop.isMeasured = true
            var ran = 0
            for seconds in [10, 11, 12] { try loop.callLater(.seconds(seconds)) { ran += 1 } }
            backend.advanceClock(by: .seconds(10))
            try loop.turn(until: { ran == 1 })
            #expect(try metrics(of: loop).longestTimerLag == .zero)
            // What comes before them in their turn holds them up too.
            backend.advanceClock(by: .seconds(2))
            try loop.callSoon { backend.advanceClock(by: .milliseconds(250)) }
            try loop.turn(until: { ran == 3 })
            let times = try metrics(of: loop)
            #expect(times.longestTimerLag == .milliseconds(1250) && times.timers == 3)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func waitingIsTimeInThePoll(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            loop.isMeasured = true
            let start = loop.time()
            try loop.run { try await sleep(for: .milliseconds(30)) }
            let whole = start.duration(to: loop.time())
            let times = try metrics(of: loop)
            #expect(times.timeInPoll > .milliseconds(20) && times.timeInPoll <= whole)
            #expect(times.timeInPoll + times.timeInCallbacks + times.timeSubmitting <= times.measuredTime)
            #expect(times.measuredTime >= whole)
        }
    }

    /// What the thread does between two runs is nobody's.
    @Test(arguments: LoopKind.allCases)
    func theTimeBetweenRunsIsNotTheLoops(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            loop.isMeasured = true
            for _ in 0..<3 {
                backend.advanceClock(by: .seconds(100))
                try loop.callSoon { backend.advanceClock(by: .seconds(1)) }
                try loop.turn()
            }
            backend.advanceClock(by: .seconds(100))
            let times = try metrics(of: loop)
            #expect(times.timeInCallbacks == .seconds(3) && times.longestCallback == .seconds(1))
            #expect(times.timeInPoll == .zero && times.timeSubmitting == .zero)
            #expect(times.measuredTime == .seconds(403))
        }
    }

    /// It is told apart in one turn of seventeen, and scaled: alike in each turn, the sum is exact.
    @Test(arguments: LoopKind.allCases)
    func whatIsHandedOverIsSubmission(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            try loop.settle()
            backend.stopClock()
            backend.onSubmit = { operation in
                let token = OperationToken(kind: operation.kind, generation: 0, slot: 0)
                if token.takesBytes { backend.advanceClock(by: .milliseconds(1)) }
            }
            loop.isMeasured = true
            for _ in 0..<170 {
                transport.write(Array("!".utf8))
                try loop.turn()
            }
            let times = try metrics(of: loop)
            // A send at a time: where its end is told with the next turn, the one after it is submitted then.
            #expect(times.turns == 170 && times.timeSubmitting == .milliseconds(170))
            #expect(times.timeInCallbacks == .zero && times.timeInPoll == .zero)
            backend.onSubmit = nil
            try loop.finish(transport, peer)
        }
    }
}
