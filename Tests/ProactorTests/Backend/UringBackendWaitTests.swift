import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What is tried again when its descriptor is ready, and what is told so.
@Suite struct UringBackendWaitTests {
    typealias Seen = CompletionRecorder.Seen

    /// Without a descriptor for an epoll, accepts that do not wait would be tried over and over.
    @Test func anAcceptWaitsOnItsListenerWhenThatCannotBeWatched() throws {
        let harness = try ScriptedHarness()
        let token = harness.accept()
        for isReady in [false, true, false] {
            harness.ring.complete(token, isReady ? 1 : -EAGAIN)
            harness.turn()
        }
        // Later there is one.
        harness.ring.listenerWatchesMax = 1
        harness.ring.complete(token, 1)
        harness.turn()
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen.isEmpty)
        let tries = [ScriptedRing.Submission.operation(token), .wait(token, .read)]
        #expect(harness.ring.handedOver == tries + tries + tries)
        #expect(harness.ring.listenerWatches.count == 1)
        harness.close()
    }

    // Pitfall 44
    @Test func aNonBlockingDescriptorIsWaitedForAndLeftAsItIs() throws {
        let harness = try ScriptedHarness()
        let token = harness.receiveOnce()
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.ring.complete(token, 1)
        harness.turn()
        // Somebody else was faster.
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.ring.complete(token, 1)
        harness.turn()
        #expect(harness.owner.seen.isEmpty)
        harness.ring.complete(token, 0)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 0, isFinal: true)])
        let wait = ScriptedRing.Submission.wait(token, .read)
        #expect(
            harness.ring.handedOver == [
                .operation(token), wait, .operation(token), wait, .operation(token),
            ]
        )
        harness.close()
    }

    @Test(arguments: ScriptedHarness.writes)
    func aWriteWaitsForRoom(kind: OperationKind) throws {
        let harness = try ScriptedHarness()
        let token = harness.write(kind)
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.ring.complete(token, 4)
        harness.turn()
        harness.ring.complete(token, 7)
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token), .wait(token, .write), .operation(token)])
        #expect(harness.owner.seen == [Seen(token: token, result: 7, isFinal: true)])
        harness.close()
    }

    /// POLLRDHUP, alone and with POLLOUT.
    private static let (peersEnd, peersEndAndRoom): (Int32, Int32) = (0x2000, 0x2004)

    // Pitfall 10
    @Test(arguments: ScriptedHarness.writes)
    func aWriteWaitsForRoomPastThePeersEnd(kind: OperationKind) throws {
        let harness = try ScriptedHarness()
        let token = harness.write(kind)
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.ring.complete(token, Self.peersEnd)
        harness.turn()
        harness.ring.complete(token, Self.peersEnd, more: true)
        harness.turn()
        #expect(harness.ring.queue.isEmpty, "nothing has changed")
        harness.ring.complete(token, Self.peersEndAndRoom, more: true)
        harness.turn()
        harness.ring.complete(token, -ECANCELED)
        harness.turn()
        #expect(harness.owner.seen.isEmpty)
        harness.ring.complete(token, 7)
        harness.turn()
        #expect(
            harness.ring.handedOver == [
                .operation(token), .wait(token, .write), .waitForRoom(token), .cancel(token),
                .operation(token),
            ]
        )
        #expect(harness.owner.seen == [Seen(token: token, result: 7, isFinal: true)])
        #expect(harness.backend.staleCompletionCount == 0)
        harness.close()
    }

    // Pitfall 21
    @Test(arguments: ScriptedHarness.writes)
    func aCancelledWriteThatFoundNoRoomHasDoneNothing(kind: OperationKind) throws {
        let harness = try ScriptedHarness()
        let token = harness.write(kind)
        harness.turn()
        harness.backend.cancel(token)
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        #expect(harness.ring.handedOver == [.operation(token), .cancel(token)])
        harness.close()
    }

    @Test(arguments: [false, true])
    func roomIsToldToWhoeverWaitsForIt(watches: Bool) throws {
        let harness = try ScriptedHarness()
        let descriptor = ScriptedHarness.descriptor
        let token = harness.backend.submit(
            watches ? .watch(descriptor, .write) : .waitUntilWritable(descriptor),
            owner: harness.owner
        )
        harness.ring.complete(token, Self.peersEnd)
        harness.turn()
        // A full completion queue can end it too.
        harness.ring.complete(token, Self.peersEndAndRoom)
        harness.turn()
        #expect(harness.owner.seen.isEmpty)
        harness.ring.complete(token, Self.peersEndAndRoom)
        harness.turn()
        let expected = watches ? Seen(token: token, result: 0, isFinal: false) : nil
        #expect(
            harness.owner.seen == [
                expected ?? Seen(token: token, result: Self.peersEndAndRoom, isFinal: true)
            ]
        )
        #expect(
            harness.ring.handedOver == [.operation(token), .waitForRoom(token), .operation(token)]
        )
        harness.close()
    }

    // Pitfall 22
    @Test(arguments: [true, false], [-ECANCELED, peersEnd, peersEndAndRoom])
    func aCancelledWaitForRoomEndsOnce(roomCame: Bool, result: Int32) throws {
        let harness = try ScriptedHarness()
        let token = harness.send()
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.ring.complete(token, Self.peersEnd)
        harness.turn()
        harness.backend.cancel(token)
        if roomCame { harness.ring.complete(token, Self.peersEndAndRoom, more: true) }
        harness.ring.complete(token, result)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        #expect(harness.ring.handedOver.count { $0 == .cancel(token) } == 1)
        harness.close()
    }

    /// A transfer of ten bytes that are in its pipe, while its socket has no room.
    private func transferThatWaits(_ harness: ScriptedHarness) -> (FileTransferMemory, OperationToken) {
        let descriptor = ScriptedHarness.descriptor
        let memory = FileTransferMemory(
            FileTransfer(socket: descriptor, file: descriptor, offset: 0, count: 10)
        )
        let token = harness.backend.submit(.sendFile(memory.pointer), owner: harness.owner)
        // A kernel's ring counts the steps as it prepares them.
        memory.pointer.pointee.stepsInFlight = 2
        harness.ring.complete(token.named(.sendFileFill), 10)
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        memory.pointer.pointee.stepsInFlight = 1
        return (memory, token)
    }

    // Pitfall 10
    @Test func aFileWaitsForRoomPastThePeersEnd() throws {
        let harness = try ScriptedHarness()
        let (memory, token) = transferThatWaits(harness)
        let wait = token.named(.sendFileWait)
        for (result, more) in [
            (Self.peersEnd, false), (Self.peersEnd, true), (Self.peersEndAndRoom, true),
        ] {
            harness.ring.complete(wait, result, more: more)
            harness.turn()
            #expect(memory.pointer.pointee.waitsForSocket)
        }
        harness.ring.complete(wait, -ECANCELED)
        harness.turn()
        #expect(!memory.pointer.pointee.waitsForSocket)
        memory.pointer.pointee.stepsInFlight = 1
        harness.ring.complete(token, 10)
        harness.turn()
        #expect(
            harness.ring.handedOver == [
                .operation(token), .operation(token), .waitForRoom(wait),
                .cancel(token.named(.sendFileFill)), .cancel(wait), .cancel(token), .operation(token),
            ]
        )
        #expect(harness.owner.seen == [Seen(token: token, result: 0, isFinal: true)])
        #expect(memory.pointer.pointee.sent == 10)
        harness.close()
    }

    // Pitfall 22
    @Test(arguments: [-ECANCELED, peersEnd, peersEndAndRoom])
    func aCancelledFileThatWaitsForRoomEndsOnce(result: Int32) throws {
        let harness = try ScriptedHarness()
        let (memory, token) = transferThatWaits(harness)
        harness.backend.cancel(token)
        harness.ring.complete(token.named(.sendFileWait), result)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        #expect(memory.pointer.pointee.sent == 0)
        harness.close()
    }

    @Test func withoutRoomInTheQueueAWaitForRoomBeginsAnew() throws {
        let harness = try ScriptedHarness()
        let token = harness.send()
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.turn()
        harness.ring.complete(token, Self.peersEnd)
        harness.ring.room = 0
        harness.turn()
        harness.ring.room = .max
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token), .wait(token, .write), .operation(token)])
        harness.ring.complete(token, 3)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 3, isFinal: true)])
        harness.close()
    }

    // Pitfall 21
    @Test(arguments: [1, -ECANCELED, -EBADF])
    func aCancelledWaitBringsNothing(result: Int32) throws {
        let harness = try ScriptedHarness()
        let token = harness.receiveOnce()
        harness.ring.complete(token, -EAGAIN)
        harness.turn()
        harness.backend.cancel(token)
        harness.ring.complete(token, result)
        harness.turn()
        let expected = result < 0 ? result : -ECANCELED
        #expect(harness.owner.seen == [Seen(token: token, result: expected, isFinal: true)])
        harness.close()
    }

    @Test func withoutRoomForTheWaitTheOperationIsTriedAgain() throws {
        let harness = try ScriptedHarness()
        let token = harness.receiveOnce()
        harness.turn()
        harness.ring.complete(token, -EAGAIN)
        harness.ring.room = 0
        harness.turn()
        harness.ring.room = .max
        harness.turn()
        #expect(harness.ring.timesHandedOver(token) == 2)
        harness.ring.complete(token, 0)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 0, isFinal: true)])
        harness.close()
    }

    // Pitfall 28
    @Test func aReceiveWithoutABufferWaitsForOne() throws {
        let harness = try ScriptedHarness()
        let token = harness.receiveOnce()
        harness.ring.complete(token, -ENOBUFS)
        harness.turn()
        #expect(harness.owner.seen.isEmpty)
        harness.turn()
        #expect(harness.ring.timesHandedOver(token) == 2)
        harness.ring.complete(token, 3, buffer: 0)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 3, isFinal: true, bytes: [0, 1, 2])])
        #expect(harness.ring.published == [0])
        harness.close()
    }

    // Pitfall 21
    @Test func aCancelledReceiveThatSucceedsCounts() throws {
        let harness = try ScriptedHarness()
        let token = harness.receiveOnce()
        harness.turn()
        harness.backend.cancel(token)
        harness.ring.complete(token, 2, buffer: 0)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 2, isFinal: true, bytes: [0, 1])])
        #expect(harness.ring.published == [0])
        harness.close()
    }

    // MARK: - Watching

    @Test func aWatchIsArmedAgainAfterItsOwnerHasActed() throws {
        let harness = try ScriptedHarness()
        let token = harness.watch()
        harness.turn()
        var handedOver = 0
        harness.owner.onCompletion = { _ in handedOver = harness.ring.queue.count }
        harness.ring.complete(token, 1)
        harness.turn()
        #expect(handedOver == 0, "armed before its owner could read")
        harness.turn()
        #expect(harness.ring.timesHandedOver(token) == 2)
        #expect(harness.owner.seen == [Seen(token: token, result: 0, isFinal: false)])
        harness.owner.onCompletion = nil
        harness.close()
    }

    // Pitfall 19
    @Test func aWatchThatItsOwnerEndsInItsCallEndsOnce() throws {
        let harness = try ScriptedHarness()
        let token = harness.watch()
        harness.turn()
        harness.owner.onCompletion = { if !$0.isFinal { harness.backend.cancel($0.token) } }
        harness.ring.complete(token, 1)
        harness.turn()
        harness.turn()
        #expect(
            harness.owner.seen == [
                Seen(token: token, result: 0, isFinal: false),
                Seen(token: token, result: -ECANCELED, isFinal: true),
            ]
        )
        // The kernel has nothing that would have to be cancelled.
        #expect(harness.ring.handedOver == [.operation(token)])
        #expect(harness.backend.operationCount == 0)
        harness.owner.onCompletion = nil
        harness.close()
    }

    // Pitfall 22
    @Test(arguments: [1, -ECANCELED])
    func aCancelledWatchEndsOnce(result: Int32) throws {
        let harness = try ScriptedHarness()
        let token = harness.watch()
        harness.turn()
        harness.backend.cancel(token)
        harness.ring.complete(token, result)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: result, isFinal: true)])
        harness.close()
    }

    // MARK: - Accepting

    // Pitfall 21
    @Test func aConnectionForNobodyIsClosed() throws {
        let harness = try ScriptedHarness()
        let address = AddressMemory(.blank)
        let token = harness.backend.submit(
            .acceptOnce(ScriptedHarness.descriptor, address.pointer),
            owner: harness.owner
        )
        harness.turn()
        harness.ring.complete(token, -ECONNABORTED)
        harness.turn()
        harness.turn()
        #expect(harness.ring.timesHandedOver(token) == 2)
        harness.ring.complete(token, -ECANCELED)
        harness.turn()
        // A completion under a name that is gone, with a descriptor that is nobody's.
        let pair = try SocketPair(.unix)
        let peer = RawPeer(pair.second)
        harness.ring.complete(token, pair.first.rawValue)
        harness.turn()
        peer.waitUntilOver()
        #expect(peer.sawEnd)
        harness.close()
    }
}
