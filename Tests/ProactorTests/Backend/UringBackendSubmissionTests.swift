import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// Getting operations to the kernel, and cancelling them, on a scripted ring.
@Suite struct UringBackendSubmissionTests {
    // Pitfall 2
    @Test func aFullSubmissionQueueIsFlushed() throws {
        let ring = ScriptedRing()
        ring.room = 2
        let harness = try ScriptedHarness(ring)
        let tokens = (0..<7).map { _ in harness.send() }
        harness.turn()
        #expect(ring.handedOver == tokens.map { .operation($0) })
        harness.close()
    }

    // Pitfall 2
    // Pitfall 4
    @Test func whatTheKernelRefusesIsSubmittedLaterInOrder() throws {
        let ring = ScriptedRing()
        ring.room = 1
        let harness = try ScriptedHarness(ring)
        ring.submitScript = [-EBUSY, -EBUSY, -EBUSY]
        ring.waitScript = [-EBUSY, -EAGAIN]
        let tokens = (0..<4).map { _ in harness.send() }
        #expect(ring.handedOver.isEmpty)
        harness.turn()
        harness.turn()
        for _ in 0..<4 { harness.turn() }
        #expect(ring.handedOver == tokens.map { .operation($0) })
        // With submissions waiting for room, no wait is without limit.
        #expect(ring.timeouts.first == 1_000_000)
        #expect(ring.timeouts.last == -1)
        harness.close()
    }

    // Pitfall 2
    // Pitfall 20
    @Test func aCancelRequestWithoutRoomIsNotLost() throws {
        let ring = ScriptedRing()
        ring.room = 1
        let harness = try ScriptedHarness(ring)
        let token = harness.receive()
        ring.submitScript = [-EBUSY]
        harness.backend.cancel(token)
        ring.waitScript = [0]
        harness.turn()
        harness.turn()
        #expect(ring.handedOver == [.operation(token), .cancel(token)])
        ring.complete(token, -ECANCELED)
        harness.turn()
        #expect(harness.owner.finals.map(\.result) == [-ECANCELED])
        harness.close()
    }

    // Pitfall 20
    @Test func aParkedCancelRequestOfAnOperationThatIsOverIsDropped() throws {
        let ring = ScriptedRing()
        ring.room = 1
        let harness = try ScriptedHarness(ring)
        let token = harness.receive()
        ring.submitScript = [-EBUSY, -EBUSY]
        harness.backend.cancel(token)
        ring.onWait = { if ring.timesHandedOver(token) == 1 { ring.complete(token, 0) } }
        harness.turn()
        ring.onWait = nil
        #expect(harness.owner.finals.map(\.result) == [0])
        harness.turn()
        #expect(ring.handedOver == [.operation(token)])
        harness.close()
    }

    @Test func aParkedOperationIsCancelledWithoutTheKernel() throws {
        let ring = ScriptedRing()
        ring.room = 0
        let harness = try ScriptedHarness(ring)
        let token = harness.send()
        harness.backend.cancel(token)
        harness.backend.cancel(token)
        #expect(harness.owner.seen.isEmpty)
        #expect(harness.backend.operationCount == 1)
        harness.backend.poll(timeoutNanoseconds: -1)
        #expect(ring.timeouts == [0])
        harness.backend.deliver()
        #expect(harness.owner.seen == [.init(token: token, result: -ECANCELED, isFinal: true)])
        #expect(harness.backend.operationCount == 0)
        harness.close()
    }

    // Pitfall 2
    @Test func whatIsParkedIsSubmittedThoughTheRingIsQuiet() throws {
        let ring = ScriptedRing()
        ring.room = 0
        let harness = try ScriptedHarness(ring)
        let token = harness.send()
        ring.room = .max
        ring.isQuiet = true
        harness.turn(timeoutNanoseconds: 0)
        #expect(ring.handedOver == [.operation(token)])
        harness.close()
    }

    @Test func aCancelMakesRoomForItself() throws {
        let ring = ScriptedRing()
        ring.room = 1
        let harness = try ScriptedHarness(ring)
        let token = harness.send()
        harness.backend.cancel(token)
        #expect(ring.handedOver == [.operation(token)])
        #expect(ring.queue.map(\.submission) == [.cancel(token)])
        ring.room = .max
        harness.close()
    }

    // Pitfall 20
    @Test func aParkedCancelComesBeforeWhatFollowsUnderTheSameName() throws {
        let harness = try ScriptedHarness()
        let (ring, room) = (harness.ring, CompletionRecorder())
        let (peersEnd, peersEndAndRoom): (Int32, Int32) = (0x2000, 0x2004)
        let token = harness.send()
        ring.complete(token, -EAGAIN)
        harness.turn()
        ring.complete(token, peersEnd)
        harness.turn()
        let other = harness.backend.submit(.waitUntilReadable(ScriptedHarness.descriptor), owner: room)
        harness.turn()
        // The wait for room has done its work, and ends by itself before it can be cancelled.
        ring.room = 0
        room.onCompletion = { _ in ring.room = .max }
        ring.complete(token, peersEndAndRoom, more: true)
        ring.complete(other, 1)
        ring.complete(token, peersEndAndRoom)
        harness.turn()
        harness.turn()
        #expect(ring.handedOver.suffix(2) == [.cancel(token), .operation(token)])
        ring.complete(token, 1)
        harness.turn()
        #expect(harness.owner.seen == [.init(token: token, result: 1, isFinal: true)])
        room.onCompletion = nil
        harness.close()
    }

    @Test func cancellingTwiceAsksOnce() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        harness.backend.cancel(token)
        harness.backend.cancel(token)
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token), .cancel(token)])
        harness.close()
    }

    // Pitfall 23
    @Test func aTransferIsEndedByACancelAndKeepsItsCount() throws {
        let harness = try ScriptedHarness()
        let token = harness.send()
        harness.turn()
        // What a timer does when a time is up: no time-out is linked to the operation, whose ECANCELED would hide the count.
        harness.backend.cancel(token)
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token), .cancel(token)])
        harness.ring.complete(token, 512)
        harness.turn()
        #expect(harness.owner.seen == [.init(token: token, result: 512, isFinal: true)])
        harness.close()
    }

    // Pitfall 22
    @Test(arguments: [0, -ENOENT, -EALREADY], [false, true])
    func aCancelsOwnCompletionIsOnlyInformation(_ result: Int32, comesFirst: Bool) throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        harness.backend.cancel(token)
        let request = OperationToken(kind: .cancel, generation: token.generation, slot: token.slot)
        if comesFirst { harness.ring.complete(request, result) }
        harness.ring.complete(token, -ECANCELED)
        if !comesFirst { harness.ring.complete(request, result) }
        harness.turn()
        #expect(harness.owner.seen == [.init(token: token, result: -ECANCELED, isFinal: true)])
        #expect(harness.backend.staleCompletionCount == 0)
        harness.close()
    }

    // Pitfall 4
    // Pitfall 5
    @Test(arguments: [EINTR, EBUSY, EAGAIN, EBADR, ENOMEM])
    func aRefusedEnterStillDrainsTheCompletionQueue(_ errno: Int32) throws {
        let harness = try ScriptedHarness()
        let token = harness.send()
        harness.turn()
        harness.ring.waitScript = [-errno]
        harness.ring.complete(token, 5)
        harness.turn()
        #expect(harness.owner.results == [5])
        #expect(harness.ring.timeouts.count == 2)
        harness.close()
    }

    // Pitfall 1
    @Test(.exitTest) func anotherThreadsRingIsRefused() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let harness = try ScriptedHarness()
            harness.ring.waitScript = [-EEXIST]
            harness.turn()
        }
        #expect(result.ended(saying: "run on another thread than the one that ran it first"))
    }

    // Pitfall 8
    @Test func oneTurnsWorkIsBounded() throws {
        let harness = try ScriptedHarness(completionsPerTurn: 3)
        let token = harness.accept()
        for number in 0..<7 { harness.ring.complete(token, Int32(number), more: true) }
        harness.turn()
        #expect(harness.owner.results == [0, 1, 2])
        harness.turn()
        harness.turn()
        #expect(harness.owner.results == [0, 1, 2, 3, 4, 5, 6])
        harness.close()
    }

    @Test func aSecondPollBeforeDeliveryKeepsWhatTheFirstBrought() throws {
        let harness = try ScriptedHarness(completionsPerTurn: 2)
        let token = harness.accept()
        for number in 0..<3 { harness.ring.complete(token, Int32(number), more: true) }
        harness.backend.poll(timeoutNanoseconds: -1)
        harness.backend.poll(timeoutNanoseconds: -1)
        #expect(harness.ring.timeouts == [-1, 0])
        harness.backend.deliver()
        #expect(harness.owner.results == [0, 1])
        harness.turn()
        #expect(harness.owner.results == [0, 1, 2])
        harness.close()
    }

    @Test func ownersMaySubmitAndCancelWithinACall() throws {
        let harness = try ScriptedHarness()
        let first = harness.accept()
        var added: [OperationToken] = []
        harness.owner.onCompletion = { [unowned owner = harness.owner, backend = harness.backend] _ in
            guard added.isEmpty else { return }
            // More than the table's first capacity: its memory moves.
            added = (0..<200).map { _ in backend.submit(.accept(ScriptedHarness.descriptor), owner: owner) }
            backend.cancel(first)
        }
        harness.ring.complete(first, 900_000, more: true)
        harness.ring.complete(first, 900_001, more: false)
        harness.turn()
        harness.owner.onCompletion = nil
        #expect(harness.owner.results == [900_000, 900_001])
        #expect(harness.owner.finals.map(\.token) == [first])
        #expect(harness.backend.operationCount == 200)
        harness.close()
    }

    // Pitfall 7
    @Test func theWakeUpReadIsArmedAgainEvenWithoutRoom() throws {
        let ring = ScriptedRing(messageWakeUp: false)
        ring.room = 1
        let harness = try ScriptedHarness(ring)
        harness.turn()
        #expect(ring.handedOver == [.wakeUpRead])
        let wakeUp = UringBackend.wakeUpReadToken
        for (round, result) in [8, -EINTR, -EAGAIN].enumerated() {
            ring.complete(wakeUp, Int32(result))
            harness.turn()
            let blocker = harness.send()
            #expect(ring.queue.map(\.submission) == [.operation(blocker)])
            harness.turn()
            #expect(ring.handedOver.count { $0 == .wakeUpRead } == round + 2)
        }
        harness.close()
    }
}
