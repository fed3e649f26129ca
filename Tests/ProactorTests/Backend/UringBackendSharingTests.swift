import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Receives that have had their share, on a scripted ring with four buffers of 64 bytes. A turn has 100 bytes, a share 20.
@Suite struct UringBackendSharingTests {
    private func harness(counted: Bool, turn: Int = 100) throws -> ScriptedHarness {
        let harness = try ScriptedHarness(ScriptedRing(bufferCount: 4, countedReceive: counted))
        harness.backend.budget = TurnBudget(bytes: turn, share: 20)
        return harness
    }

    @Test func theKernelEndsAReceiveAfterItsShareAndItWaitsForTheNext() throws {
        let harness = try harness(counted: true)
        let ring = harness.ring
        let (busy, other) = (harness.receive(), harness.receive())
        harness.turn()
        #expect(ring.handedOver == [.share(busy, bytes: 20), .share(other, bytes: 20)])
        ring.complete(busy, 15, more: true, buffer: 0)
        ring.complete(busy, 5, buffer: 1)
        ring.complete(other, 1, more: true, buffer: 2)
        harness.turn()
        #expect(harness.owner.results == [15, 5, 1])
        #expect(harness.owner.finals.isEmpty)
        // There is enough for all: it goes on with the next turn.
        harness.turn()
        #expect(ring.handedOver.last == .share(busy, bytes: 20))
        #expect(ring.handedOver.count == 3)
        harness.close()
    }

    @Test func thoseWhoWaitGetTheirSharesInTurn() throws {
        // Two shares to a turn.
        let harness = try harness(counted: true, turn: 40)
        let ring = harness.ring
        let tokens = (0..<3).map { _ in harness.receive() }
        harness.turn()
        ring.complete(tokens[0], 20, buffer: 0)
        ring.complete(tokens[1], 20, buffer: 1)
        ring.complete(tokens[2], 20, buffer: 2)
        harness.turn()
        // The third is left for the next turn, and none is armed before that.
        #expect(harness.owner.seen.map(\.token) == Array(tokens[..<2]))
        harness.turn()
        #expect(ring.timeouts.last == 0)
        #expect(harness.owner.seen.map(\.token) == tokens)
        harness.turn()
        #expect(Array(ring.handedOver[3...]) == [tokens[0], tokens[1]].map { .share($0, bytes: 20) })
        // Who waits is not forgotten while the others bring nothing.
        #expect(ring.timeouts.last == 0)
        harness.turn()
        #expect(ring.handedOver.last == .share(tokens[2], bytes: 20))
        harness.turn()
        #expect(ring.timeouts.last == -1)
        harness.close()
    }

    @Test func whatATurnDoesNotDeliverComesFirstInTheNext() throws {
        let harness = try harness(counted: true, turn: 1)
        let ring = harness.ring
        let (first, second) = (harness.receive(), harness.receive())
        harness.turn()
        ring.complete(first, 3, more: true, buffer: 0)
        ring.complete(second, 4, more: true, buffer: 1)
        ring.complete(first, 5, more: true, buffer: 2)
        harness.turn()
        #expect(harness.owner.results == [3])
        ring.complete(second, 0)
        harness.turn()
        #expect(harness.owner.results == [3, 4])
        harness.turn()
        #expect(harness.owner.results == [3, 4, 5])
        harness.turn()
        #expect(harness.owner.results == [3, 4, 5, 0])
        #expect(Set(ring.published) == [0, 1, 2])
        harness.close()
    }

    @Test func whatTheKernelHasTakenIsToldBeforeBytes() throws {
        let harness = try harness(counted: true, turn: 1)
        let ring = harness.ring
        let receive = harness.receive()
        let send = harness.send()
        harness.turn()
        ring.complete(receive, 3, more: true, buffer: 0)
        ring.complete(receive, 3, more: true, buffer: 1)
        ring.complete(send, 7)
        harness.turn()
        #expect(harness.owner.seen.map(\.token) == [send, receive])
        harness.turn()
        #expect(harness.owner.results == [7, 3, 3])
        #expect(harness.backend.staleCompletionCount == 0)
        harness.close()
    }

    @Test func aKernelThatDoesNotCountIsAskedToEndTheReceive() throws {
        let harness = try harness(counted: false)
        let ring = harness.ring
        let token = harness.receive()
        harness.turn()
        ring.complete(token, 19, more: true, buffer: 0)
        harness.turn()
        #expect(ring.handedOver == [.operation(token)])
        ring.complete(token, 1, more: true, buffer: 1)
        ring.complete(token, 30, more: true, buffer: 2)
        harness.turn()
        harness.turn()
        // Once, however much comes until it has effect.
        #expect(ring.handedOver == [.operation(token), .cancel(token)])
        ring.complete(token, -ECANCELED)
        harness.turn()
        #expect(harness.owner.results == [19, 1, 30])
        // From here on piece by piece.
        harness.turn()
        #expect(ring.handedOver.last == .single(token, into: .streams))
        harness.close()
    }

    @Test func whoBringsLittleIsReceivedAsBefore() throws {
        let harness = try harness(counted: false)
        let ring = harness.ring
        let token = harness.receive()
        harness.turn()
        ring.complete(token, 20, more: true, buffer: 0)
        harness.turn()
        ring.complete(token, -ECANCELED)
        harness.turn()
        harness.turn()
        for _ in 0..<21 {
            ring.complete(token, 1, buffer: 1)
            harness.turn()
            harness.turn()
        }
        #expect(ring.handedOver.last == .operation(token))
        #expect(ring.handedOver.count { $0 == .cancel(token) } == 1)
        harness.close()
    }

    @Test(arguments: [false, true])
    func itsEndIsToldBehindItsBytes(counted: Bool) throws {
        let harness = try harness(counted: counted, turn: 20)
        let ring = harness.ring
        let token = harness.receive()
        harness.turn()
        ring.complete(token, 20, more: true, buffer: 0)
        ring.complete(token, 5, more: true, buffer: 1)
        ring.complete(token, 0)
        harness.turn()
        #expect(harness.owner.results == [20])
        harness.turn()
        #expect(harness.owner.results == [20, 5, 0])
        #expect(harness.owner.finals.count == 1)
        harness.close()
    }

    @Test(arguments: [false, true])
    func aCancelFindsItWhereItWaits(counted: Bool) throws {
        let harness = try harness(counted: counted, turn: 20)
        let ring = harness.ring
        let (token, other) = (harness.receive(), harness.receive())
        harness.turn()
        for token in [token, other] {
            ring.complete(token, 20, more: !counted, buffer: 0)
            if !counted { ring.complete(token, -ECANCELED) }
        }
        harness.turn()
        harness.backend.cancel(token)
        harness.turn()
        #expect(harness.owner.finals.map(\.result) == [-ECANCELED])
        #expect(harness.owner.finals.map(\.token) == [token])
        #expect(harness.backend.operationCount == 1)
        harness.close()
        #expect(harness.backend.operationCount == 0)
    }

    @Test func aCloseEndsThoseWhoWait() throws {
        let harness = try harness(counted: true, turn: 20)
        let tokens = (0..<3).map { _ in harness.receive() }
        harness.turn()
        for (index, token) in tokens.enumerated() { harness.ring.complete(token, 20, buffer: UInt16(index)) }
        harness.turn()
        harness.close()
        #expect(harness.backend.operationCount == 0)
        #expect(!harness.ring.keptBuffers)
    }
}
