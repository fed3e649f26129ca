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

    /// A file's way to a socket of the test's, whose own limit for sends is five seconds.
    private struct Transfer {
        static let ownTimeout: Int64 = 5_000_000
        let system = LinuxSystemCalls(nonBlocking: false)
        let pair: SocketPair
        let memory: FileTransferMemory

        init() throws {
            pair = try SocketPair(.unix)
            memory = FileTransferMemory(
                FileTransfer(socket: pair.first, file: pair.second, offset: 0, count: 10)
            )
            _ = try system.exchangeSendTimeout(of: pair.first, microseconds: Self.ownTimeout)
        }

        /// Asks, and changes nothing.
        func timeout() throws -> Int64 {
            let timeout = try system.exchangeSendTimeout(of: pair.first, microseconds: Self.ownTimeout)
            _ = try system.exchangeSendTimeout(of: pair.first, microseconds: timeout)
            return timeout
        }

        func end() throws {
            try pair.first.close()
            try pair.second.close()
        }
    }

    // Pitfall 2
    @Test func aFileThatFoundNoRoomLeavesItsSocketAsItWas() throws {
        let harness = try ScriptedHarness()
        let transfer = try Transfer()
        harness.ring.room = 0
        harness.backend.submit(.sendFile(transfer.memory.pointer), owner: harness.owner)
        #expect(try transfer.timeout() != Transfer.ownTimeout)
        harness.backend.close()
        #expect(try transfer.timeout() == Transfer.ownTimeout)
        #expect(transfer.memory.pointer.pointee.pipe == nil && harness.backend.operationCount == 0)
        try transfer.end()
    }

    /// On the real ring, where such a file has one or two submissions.
    @Test(.needsRing, arguments: [1, 64])
    func aFileThatWasNeverHandedOverLeavesItsSocketAsItWas(queue: Int) throws {
        var configuration = RingConfiguration()
        configuration.growingQueues = false
        configuration.submissionQueueSize = queue
        let backend = try UringBackend(configuration: configuration)
        let transfer = try Transfer()
        backend.submit(.sendFile(transfer.memory.pointer), owner: nil)
        #expect(transfer.memory.pointer.pointee.stepsInFlight == min(queue, 2))
        backend.close()
        #expect(try transfer.timeout() == Transfer.ownTimeout)
        #expect(transfer.memory.pointer.pointee.stepsInFlight == 0 && backend.operationCount == 0)
        try transfer.end()
    }

    // Pitfall 24
    @Test(arguments: [false, true])
    func aFileOfWhichTheKernelHasAStepKeepsItsMemory(stepCompletes: Bool) throws {
        let harness = try ScriptedHarness()
        let transfer = try Transfer()
        weak var observed: CompletionRecorder?
        do {
            let owner = CompletionRecorder()
            observed = owner
            let token = harness.backend.submit(.sendFile(transfer.memory.pointer), owner: owner)
            // The ring's queue has one of its two steps still.
            transfer.memory.pointer.pointee.stepsInFlight = 2
            if stepCompletes { harness.ring.complete(token.named(.sendFileFill), 10) }
        }
        nonisolated(unsafe) let backend = harness.backend
        TestThread { backend.close() }.join()
        #expect(harness.ring.isDestroyed && harness.ring.keptBuffers != stepCompletes)
        #expect((observed == nil) == stepCompletes)
        #expect(transfer.memory.pointer.pointee.stepsInFlight == (stepCompletes ? 0 : 1))
        // What the kernel still tries is cancelled with the ring, and needs no limit.
        #expect(try transfer.timeout() == Transfer.ownTimeout)
        try transfer.end()
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
