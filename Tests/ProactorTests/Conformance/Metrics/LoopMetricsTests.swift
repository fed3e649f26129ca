import SystemPackage
import Testing

@testable import Proactor

/// What a measured loop counts, and what it has.
@Suite struct LoopMetricsTests {
    private func metrics(of loop: BaseEventLoop) throws -> LoopMetrics { try #require(loop.metrics) }

    @Test(arguments: LoopKind.allCases)
    func itIsOffUnlessSomebodyAsks(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let debug = loop.debug
            #expect(!loop.isMeasured && loop.metrics == nil && loop.takeMetrics() == nil)
            #expect(loop.observer == nil && loop.backend.meter == nil && loop.isObservingCallbacks == debug)
            loop.isMeasured = true
            #expect(loop.isMeasured && loop.metrics != nil && loop.isObservingCallbacks)
            try loop.callSoon {}
            try loop.turn()
            // Nothing begins anew.
            loop.isMeasured = true
            #expect(try metrics(of: loop).turns == 1)
            loop.isMeasured = false
            #expect(!loop.isMeasured && loop.metrics == nil)
            // Nothing is left of it that would cost anything.
            #expect(loop.observer == nil && loop.backend.meter == nil && loop.isObservingCallbacks == debug)
            try loop.settle()
            loop.isMeasured = true
            #expect(try metrics(of: loop).turns == 0)
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func turnsCallbacksAndTimersAreCounted(kind: LoopKind, debug: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            loop.debug = debug
            loop.isMeasured = true
            var ran = 0
            for _ in 0..<5 { try loop.callSoon { ran += 1 } }
            // Those that are cancelled are none.
            try loop.callSoon { ran += 100 }.cancel()
            try loop.callLater(.seconds(1)) { ran += 1 }
            try loop.callLater(.seconds(1)) { ran += 1 }
            try loop.callLater(.seconds(1)) { ran += 100 }.cancel()
            try loop.turn()
            var counts = try metrics(of: loop)
            #expect(ran == 5 && counts.turns == 1 && counts.callbacks == 5 && counts.timers == 0)
            backend.advanceClock(by: .seconds(1))
            try loop.turn()
            counts = try metrics(of: loop)
            #expect(ran == 7 && counts.turns == 2 && counts.callbacks == 7 && counts.timers == 2)
            // A task's steps count as well, and what it schedules.
            try loop.run { try await sleep(for: .zero) }
            #expect(try metrics(of: loop).callbacks > counts.callbacks)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsTakenBeginsAnew(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            loop.isMeasured = true
            for round in 1...3 {
                try loop.callSoon { backend.advanceClock(by: .milliseconds(round * 10)) }
                try loop.callSoon { backend.advanceClock(by: .milliseconds(1)) }
                try loop.turn()
                let taken = try #require(loop.takeMetrics())
                #expect(taken.turns == 1 && taken.callbacks == 2)
                #expect(taken.longestCallback == .milliseconds(round * 10))
                #expect(taken.timeInCallbacks == .milliseconds(round * 10 + 1))
                #expect(taken.measuredTime == taken.timeInCallbacks)
                #expect(loop.metrics?.turns == 0 && loop.metrics?.longestCallback == .zero)
            }
            // Within a callback too: what it does afterwards is the next reading's.
            var taken: LoopMetrics?
            try loop.callSoon {
                backend.advanceClock(by: .milliseconds(3))
                taken = loop.takeMetrics()
                backend.advanceClock(by: .milliseconds(4))
            }
            try loop.turn()
            #expect(taken?.timeInCallbacks == .milliseconds(3))
            let rest = try metrics(of: loop)
            #expect(rest.timeInCallbacks == .milliseconds(4) && rest.longestCallback == .milliseconds(4))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func itIsSwitchedWithinACallback(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            try loop.callSoon {
                loop.isMeasured = true
                backend.advanceClock(by: .milliseconds(2))
            }
            try loop.callSoon { backend.advanceClock(by: .milliseconds(3)) }
            try loop.turn()
            try loop.callSoon { backend.advanceClock(by: .milliseconds(1)) }
            try loop.turn()
            let counts = try metrics(of: loop)
            #expect(counts.turns == 1 && counts.callbacks == 2)
            #expect(counts.timeInCallbacks == .milliseconds(6))
            try loop.callSoon { loop.isMeasured = false }
            try loop.callSoon {}
            try loop.settle()
            #expect(loop.metrics == nil)
        }
    }

    // MARK: - Completions

    @Test(arguments: LoopKind.allCases)
    func completionsAreCountedByKind(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            loop.isMeasured = true
            let accepted = RecordingProtocol.echo()
            let server = try loop.serve { accepted }
            let peer = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn(until: { accepted.events == [.made] })
            var counts = try metrics(of: loop).completions
            #expect(counts.accepts == 1 && counts.receives == 0 && counts.sends == 0)
            for round in 1...3 {
                peer.write("?")
                try loop.turn(until: {
                    peer.read()
                    return peer.received.count == round
                })
            }
            peer.close()
            try loop.turn(until: { loop.openTransports.count == 0 })
            try loop.settle()
            counts = try metrics(of: loop).completions
            // The end of the stream is one, and a cancelled one may be.
            #expect((4...6).contains(counts.receives) && counts.sends == 3 && counts.closes == 1)
            server.close()
            try loop.run { try await server.waitClosed() }
            #expect(counts.total == counts.accepts + counts.receives + counts.sends + counts.closes)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theOtherKindsAreCountedToo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let file = try TemporaryFile(Array("content".utf8))
            loop.isMeasured = true
            // Pipes, and files.
            let (writing, reading) = (RecordingProtocol(), RecordingProtocol())
            let pipe = try RawPipe()
            let (writer, _) = try loop.run {
                try await loop.connectWritePipe(pipe.lend(pipe.writing)) { writing }
            }
            let (reader, _) = try loop.run {
                try await loop.connectReadPipe(pipe.lend(pipe.reading)) { reading }
            }
            writer.write(Array("through".utf8))
            writer.close()
            try loop.turnUntilClosed(reader)
            try loop.run {
                let opened = try await File.open(file.path, .readOnly, on: loop)
                _ = try await opened.read(count: 10, at: 0)
                try await opened.close()
            }
            // Datagrams, connecting, and a child.
            let recorder = RecordingDatagramProtocol()
            let (endpoint, sender) = try loop.connectEndpoint(recorder, .ipv4)
            try endpoint.sendTo(Array("?".utf8))
            try loop.turn(until: { sender.receive() != nil })
            try sender.connect(to: try #require(endpoint.extraInfo(.socketName)))
            try sender.send(Array("!".utf8))
            try loop.turn(until: { recorder.received.count == 1 })
            try loop.finish(endpoint)
            let server = try loop.serve { RecordingProtocol() }
            let port = try loop.port(of: server)
            try loop.run {
                let (transport, _) = try await loop.createConnection(host: "127.0.0.1", port: port) {
                    RecordingProtocol()
                }
                transport.abort()
            }
            #expect(try loop.run { try await loop.runProcess("true").returnCode } == 0)
            server.close()
            try loop.run { try await server.waitClosed() }
            let counts = try metrics(of: loop).completions
            #expect(counts.pipeReads >= 2 && counts.pipeWrites >= 1 && counts.files >= 3)
            #expect(counts.datagrams >= 1 && counts.connects >= 1 && counts.closes >= 4)
            #expect(counts.children == 1 || counts.readiness >= 1)
        }
    }

    // MARK: - What it has

    @Test(arguments: LoopKind.allCases)
    func whatItHasIsCountedWhenItIsRead(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            loop.isMeasured = true
            var has = try metrics(of: loop)
            #expect(has.openTransports == 0 && has.waitingTimers == 0 && has.unfinishedTasks == 0)
            #expect(has.buffersLent == 0 && has.bytesLent == 0 && has.readyCallbacks == 0)
            let timer = try loop.callLater(.seconds(3600)) {}
            let task = loop.createTask { try await sleep(for: .seconds(3600)) }
            let (transport, peer) = try loop.connect(RecordingProtocol())
            try loop.settle()
            _ = try transport.fillKernel()
            // Small, so that it is copied.
            transport.write(patternBytes(600))
            try loop.callSoon {}
            try loop.callSoon {}
            try loop.callSoonThreadSafe {}
            has = try metrics(of: loop)
            #expect(has.openTransports == 1 && has.unfinishedTasks == 1 && has.waitingTimers == 2)
            #expect(has.readyCallbacks == 2 && has.postedCallbacks == 1)
            #expect(has.buffersLent >= 1 && has.bytesLent >= 600)
            #expect(has.operationsInFlight == loop.backend.operationCount && has.operationsInFlight > 0)
            timer.cancel()
            task.cancel()
            try loop.finish(transport, peer)
            try loop.turn(until: { task.done })
            has = try metrics(of: loop)
            #expect(has.openTransports == 0 && has.unfinishedTasks == 0 && has.waitingTimers == 0)
            #expect(has.buffersLent == 0 && has.bytesLent == 0 && has.postedCallbacks == 0)
        }
    }

    @Test func aReadingSaysWhatItIs() {
        var metrics = LoopMetrics()
        metrics.turns = 7
        metrics.longestCallback = .milliseconds(12)
        metrics.completions.receives = 3
        metrics.completions.closes = 1
        #expect(metrics.completions.total == 4)
        #expect(metrics.description.contains("7 turns, 0 callbacks, 4 completions"))
        #expect(metrics.description.contains("longest callback 0.012 seconds"))
    }

    @Test(arguments: LoopKind.allCases)
    func aGroupsLoopsAreReadAtOnce(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            try await group.runOnEach { $0.isMeasured = true }
            let metrics = try await group.runOnEach { $0.metrics }
            #expect(metrics.count == 2 && metrics.allSatisfy { $0 != nil })
        }
    }
}
