import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What completions come to, on a scripted ring.
@Suite struct UringBackendDeliveryTests {
    private typealias Seen = CompletionRecorder.Seen

    // Pitfall 7
    // Pitfall 26
    // Pitfall 27
    @Test func anAcceptThatTheKernelEndedGoesOn() throws {
        let harness = try ScriptedHarness()
        let token = harness.accept()
        harness.turn()
        harness.ring.complete(token, 900_000, more: true)
        harness.ring.complete(token, 900_001, more: false)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen.map(\.isFinal) == [false, false])
        #expect(harness.ring.timesHandedOver(token) == 2)
        harness.close()
    }

    // Pitfall 26
    @Test func aMultishotThatGoesOnIsNotArmedTwice() throws {
        let harness = try ScriptedHarness()
        let token = harness.accept()
        harness.turn()
        harness.ring.complete(token, 900_000, more: true)
        harness.turn()
        harness.turn()
        #expect(harness.ring.timesHandedOver(token) == 1)
        harness.close()
    }

    // Pitfall 26
    @Test(arguments: [EMFILE, ENFILE, EBADF, EINVAL, ENOMEM])
    func anErrorEndsAnAccept(_ errno: Int32) throws {
        let harness = try ScriptedHarness()
        let token = harness.accept()
        harness.turn()
        harness.ring.complete(token, -errno)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -errno, isFinal: true)])
        #expect(harness.ring.timesHandedOver(token) == 1)
        #expect(harness.backend.operationCount == 0)
        harness.close()
    }

    // The numbers by which the kernel tells itself to start a call anew.
    @Test(arguments: [EINTR, 512, 513, 514, 516])
    func anInterruptedOperationIsTriedAgain(_ errno: Int32) throws {
        let harness = try ScriptedHarness()
        let (send, cancelled) = (harness.send(), harness.send())
        harness.turn()
        harness.backend.cancel(cancelled)
        harness.ring.complete(send, -errno)
        harness.ring.complete(cancelled, -errno)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: cancelled, result: -ECANCELED, isFinal: true)])
        #expect(harness.ring.timesHandedOver(send) == 2)
        harness.close()
    }

    private static let failuresOfOneConnection = [
        EINTR, ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH,
    ]

    @Test(arguments: failuresOfOneConnection, [false, true])
    func anAcceptOutlivesOneConnectionsFailure(_ errno: Int32, isSingle: Bool) throws {
        let harness = try ScriptedHarness()
        let room = UnsafeMutablePointer<KernelAddress>.allocate(capacity: 1)
        room.initialize(to: .blank)
        defer { room.deallocate() }
        let listener = FileDescriptor(rawValue: 900)
        let token =
            isSingle
            ? harness.backend.submit(.acceptOnce(listener, room), owner: harness.owner) : harness.accept()
        harness.turn()
        harness.ring.complete(token, -errno)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen.isEmpty)
        #expect(harness.ring.timesHandedOver(token) == 2)
        harness.close()
    }

    // Pitfall 21
    @Test func aCancelThatLosesTheRaceDeliversWhatCame() throws {
        let harness = try ScriptedHarness()
        let (accept, receive) = (harness.accept(), harness.receive())
        harness.turn()
        harness.backend.cancel(accept)
        harness.backend.cancel(receive)
        harness.ring.complete(accept, 900_000)
        harness.ring.complete(receive, 3, buffer: 1)
        harness.turn()
        harness.turn()
        #expect(
            harness.owner.seen == [
                Seen(token: accept, result: 900_000, isFinal: true),
                Seen(token: receive, result: 3, isFinal: true, bytes: [64, 65, 66]),
            ]
        )
        #expect(harness.ring.published == [1])
        #expect(harness.ring.timesHandedOver(accept) == 1 && harness.ring.timesHandedOver(receive) == 1)
        harness.close()
    }

    // Pitfall 21
    @Test(arguments: [EINTR, EAGAIN, ECONNABORTED, EPROTO])
    func whatWouldBeTriedAgainIsNoFailureOfACancelledAccept(_ errno: Int32) throws {
        let harness = try ScriptedHarness()
        let token = harness.accept()
        harness.turn()
        harness.backend.cancel(token)
        harness.ring.complete(token, -errno)
        harness.turn()
        #expect(harness.owner.finals == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        harness.close()
    }

    @Test func aCancelWithinTheCallOfAnEndedMultishotStillEndsIt() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        harness.turn()
        harness.owner.onCompletion = { [backend = harness.backend] _ in backend.cancel(token) }
        harness.ring.complete(token, 2, buffer: 0)
        harness.turn()
        harness.owner.onCompletion = nil
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token), .operation(token), .cancel(token)])
        harness.ring.complete(token, -ECANCELED)
        harness.turn()
        #expect(harness.owner.results == [2, -ECANCELED])
        #expect(harness.owner.finals.count == 1)
        harness.close()
    }

    // Pitfall 19
    @Test func aStaleCompletionReachesNobodyAndLeaksNothing() throws {
        let harness = try ScriptedHarness()
        let old = harness.receive()
        harness.ring.complete(old, 0)
        harness.turn()
        let new = harness.receive()
        #expect(new.slot == old.slot)
        harness.ring.complete(old, 4, buffer: 2)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: old, result: 0, isFinal: true)])
        #expect(harness.backend.staleCompletionCount == 1)
        #expect(harness.ring.published == [2])
        harness.close()
    }

    // Pitfall 19
    // Pitfall 21
    @Test func aStaleAcceptsDescriptorIsClosed() throws {
        let harness = try ScriptedHarness()
        let pair = try SocketPair(.unix)
        harness.ring.complete(OperationToken(kind: .accept, generation: 7, slot: 99), pair.first.rawValue)
        harness.turn()
        #expect(seesEndOfStream(pair.second))
        try pair.second.close()
        harness.close()
    }

    // Pitfall 18
    // Pitfall 25
    @Test func connectingToWhatIsConnectedIsSuccess() throws {
        let harness = try ScriptedHarness()
        let token = harness.connect()
        harness.ring.complete(token, -EISCONN)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 0, isFinal: true)])
        harness.close()
    }

    // Pitfall 25
    @Test(arguments: [EINPROGRESS, EALREADY])
    func aConnectionInProgressIsWaitedFor(_ errno: Int32) throws {
        let harness = try ScriptedHarness()
        let token = harness.connect()
        harness.ring.complete(token, -errno)
        harness.turn()
        harness.ring.complete(token, 4)
        harness.turn()
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token), .wait(token, .write), .operation(token)])
        #expect(harness.owner.seen.isEmpty)
        harness.ring.complete(token, -ECONNREFUSED)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -ECONNREFUSED, isFinal: true)])
        harness.close()
    }

    @Test func aCancelledConnectIsNeverASuccessByItsWait() throws {
        let harness = try ScriptedHarness()
        let token = harness.connect()
        harness.ring.complete(token, -EINPROGRESS)
        harness.turn()
        harness.backend.cancel(token)
        harness.ring.complete(token, 4)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        harness.close()
    }

    @Test func anInterruptedCloseIsNotRepeated() throws {
        let harness = try ScriptedHarness()
        let token = harness.backend.submit(.close(ScriptedHarness.descriptor), owner: harness.owner)
        harness.turn()
        harness.ring.complete(token, -EINTR)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 0, isFinal: true)])
        #expect(harness.ring.timesHandedOver(token) == 1)
        harness.close()
    }

    @Test func whereNothingCanBeAdoptedTryAgainIsAnError() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        // The descriptor does not exist.
        #expect(harness.owner.seen == [Seen(token: token, result: -EBADF, isFinal: true)])
        harness.close()
    }

    // Pitfall 15
    // Pitfall 19
    @Test func completionsInAnyOrderReachTheirOwners() throws {
        let harness = try ScriptedHarness()
        let tokens = (0..<5).map { _ in harness.send() }
        for (index, token) in tokens.enumerated().reversed() { harness.ring.complete(token, Int32(index)) }
        harness.turn()
        #expect(harness.owner.seen.map(\.token) == tokens.reversed())
        #expect(harness.owner.results == [4, 3, 2, 1, 0])
        #expect(harness.backend.operationCount == 0)
        harness.close()
    }

    // Pitfall 24
    @Test func anOwnerLivesUntilItsFinalCompletionWasDelivered() throws {
        let harness = try ScriptedHarness()
        weak var observed: CompletionRecorder?
        var token: OperationToken?
        var wasAliveInCall = false
        do {
            let owner = CompletionRecorder()
            observed = owner
            token = harness.backend.submit(.receive(ScriptedHarness.descriptor), owner: owner)
            owner.onCompletion = { _ in wasAliveInCall = true }
        }
        harness.turn()
        #expect(observed != nil)
        harness.ring.complete(try #require(token), 0)
        harness.turn()
        #expect(wasAliveInCall)
        #expect(observed == nil)
        harness.close()
    }
}
