import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// The end of a backend, on a scripted ring.
@Suite struct UringBackendClosingTests {
    // Pitfall 24
    @Test func closingWaitsForEveryOperationAndTellsNobody() throws {
        let harness = try ScriptedHarness()
        weak var observed: CompletionRecorder?
        var token: OperationToken?
        do {
            let owner = CompletionRecorder()
            owner.onCompletion = { _ in Issue.record("an owner was called by close") }
            observed = owner
            token = harness.backend.submit(.receive(ScriptedHarness.descriptor), owner: owner)
        }
        let late = try #require(token)
        var waits = 0
        harness.ring.onWait = { [unowned ring = harness.ring] in
            waits += 1
            #expect(!ring.isDestroyed && observed != nil)
            if waits == 3 { ring.complete(late, -ECANCELED) }
        }
        harness.backend.close()
        #expect(waits == 3)
        #expect(harness.ring.handedOver.contains(.cancelAll))
        #expect(harness.ring.isDestroyed && !harness.ring.keptBuffers)
        #expect(observed == nil)
        harness.backend.close()
    }

    // Pitfall 21
    @Test func whatArrivesWhileClosingIsClosed() throws {
        let harness = try ScriptedHarness()
        let token = harness.accept()
        let pair = try SocketPair(.unix)
        let accepted = pair.first.rawValue
        harness.ring.onWait = { [unowned ring = harness.ring] in
            ring.onWait = nil
            ring.complete(token, accepted)
        }
        harness.backend.close()
        #expect(seesEndOfStream(pair.second))
        try pair.second.close()
        #expect(harness.owner.seen.isEmpty)
    }

    @Test func aCloseThatFoundNoRoomIsDoneAllTheSame() throws {
        let ring = ScriptedRing()
        ring.room = 0
        let harness = try ScriptedHarness(ring)
        let pair = try SocketPair(.unix)
        harness.backend.submit(.close(pair.first), owner: nil)
        harness.backend.close()
        #expect(seesEndOfStream(pair.second))
        try pair.second.close()
    }

    // Pitfall 1
    @Test func anotherThreadReadsWhatTheLoopsThreadLeft() throws {
        let harness = try ScriptedHarness()
        let done = harness.receive()
        harness.turn()
        _ = harness.receive()
        harness.ring.complete(done, -ECANCELED)
        let waitsBefore = harness.ring.timeouts.count
        nonisolated(unsafe) let backend = harness.backend
        TestThread { backend.close() }.join()
        #expect(harness.ring.timeouts.count == waitsBefore)
        #expect(harness.ring.isDestroyed && !harness.ring.keptBuffers)
        #expect(harness.backend.operationCount == 0)
    }

    // Pitfall 24
    @Test func whatIsStillInFlightKeepsItsMemory() throws {
        let nothing = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        let harness = try ScriptedHarness()
        weak var observed: CompletionRecorder?
        do {
            let owner = CompletionRecorder()
            observed = owner
            harness.backend.submit(.receiveInto(ScriptedHarness.descriptor, nothing), owner: owner)
        }
        harness.turn()
        nonisolated(unsafe) let backend = harness.backend
        TestThread { backend.close() }.join()
        #expect(harness.ring.isDestroyed && harness.ring.keptBuffers)
        #expect(observed != nil)
    }

    // Pitfall 16
    @Test func aCloseThatIsCancelledWithAllTheRestIsDoneAllTheSame() throws {
        let harness = try ScriptedHarness()
        let pair = try SocketPair(.unix)
        harness.backend.submit(.close(pair.first), owner: nil)
        harness.turn()
        harness.close()
        #expect(seesEndOfStream(pair.second))
        try pair.second.close()
    }
}
