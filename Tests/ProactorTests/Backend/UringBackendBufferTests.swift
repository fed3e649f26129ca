import Glibc
import Testing

@testable import Proactor

/// Provided buffers, on a scripted ring with four of 64 bytes: byte n of them all has the value n.
@Suite struct UringBackendBufferTests {
    private func bytes(_ range: Range<Int>) -> [UInt8] { range.map { UInt8(truncatingIfNeeded: $0) } }

    @Test func aWholeBufferGoesBackAfterTheCall() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        var recycledInCall: [UInt16]?
        harness.owner.onCompletion = { [ring = harness.ring] _ in recycledInCall = ring.recycled }
        harness.ring.complete(token, 10, more: true, buffer: 3)
        harness.turn()
        harness.owner.onCompletion = nil
        #expect(harness.owner.bytes == bytes(192..<202))
        #expect(recycledInCall == [])
        #expect(harness.ring.published == [3])
        harness.close()
    }

    @Test func incrementalPiecesFollowEachOther() throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: true))
        let (first, second) = (harness.receive(), harness.receive())
        harness.ring.complete(first, 10, more: true, buffer: 0, bufferMore: true)
        harness.ring.complete(second, 20, more: true, buffer: 0, bufferMore: true)
        harness.ring.complete(first, 34, more: true, buffer: 0)
        harness.turn()
        #expect(harness.owner.seen.map(\.bytes) == [bytes(0..<10), bytes(10..<30), bytes(30..<64)])
        #expect(harness.ring.published == [0])
        // The buffer starts anew.
        harness.ring.complete(second, 5, more: true, buffer: 0, bufferMore: true)
        harness.turn()
        #expect(harness.owner.seen.last?.bytes == bytes(0..<5))
        harness.close()
    }

    // Pitfall 31
    @Test func theKernelMayEndABufferEarly() throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: true))
        let token = harness.receive()
        harness.ring.complete(token, 10, more: true, buffer: 0)
        harness.turn()
        #expect(harness.ring.published == [0])
        harness.close()
    }

    // Pitfall 30
    // Pitfall 31
    @Test(arguments: [0, -ECONNRESET], [false, true])
    func aBufferThatTheKernelKeptIsNotGivenTwice(_ result: Int32, incremental: Bool) throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: incremental))
        let (first, second) = (harness.receive(), harness.receive())
        if incremental {
            harness.ring.complete(second, 10, more: true, buffer: 0, bufferMore: true)
        }
        let start = incremental ? 10 : 0
        harness.ring.complete(first, result, buffer: 0)
        harness.turn()
        #expect(harness.ring.published == [])
        harness.ring.complete(second, 4, more: true, buffer: 0, bufferMore: true)
        harness.turn()
        #expect(harness.owner.seen.last?.bytes == bytes(start..<(start + 4)))
        #expect(harness.ring.published == (incremental ? [] : [0]))
        harness.close()
    }

    // Pitfall 30
    @Test func aBufferThatAnErrorTookGoesBack() throws {
        let harness = try ScriptedHarness()
        let (first, second) = (harness.receive(), harness.receive())
        harness.ring.complete(first, -ECONNRESET, buffer: 0)
        harness.ring.complete(second, 4, more: true, buffer: 1)
        harness.turn()
        #expect(harness.owner.results == [-ECONNRESET, 4])
        #expect(harness.ring.published == [0, 1])
        harness.close()
    }

    // Pitfall 28
    // Pitfall 30
    @Test func anErrorsBufferGoesBackAtTheLatestWhenNoneIsLeft() throws {
        let harness = try ScriptedHarness()
        let (first, second) = (harness.receive(), harness.receive())
        harness.ring.complete(first, -ECONNRESET, buffer: 0)
        harness.ring.complete(second, -ENOBUFS)
        harness.turn()
        #expect(harness.ring.published == [0])
        harness.close()
    }

    // Pitfall 28
    // Pitfall 29
    @Test func aReceiveWithoutABufferWaitsForOne() throws {
        let harness = try ScriptedHarness()
        let (first, second) = (harness.receive(), harness.receive())
        harness.turn()
        for number: UInt16 in 0..<4 { harness.ring.complete(first, 64, more: true, buffer: number) }
        harness.ring.complete(second, -ENOBUFS)
        harness.ring.complete(first, -ENOBUFS)
        harness.backend.poll(timeoutNanoseconds: 0)
        var timesArmedInCalls = 0
        harness.owner.onCompletion = { [ring = harness.ring] _ in timesArmedInCalls += ring.queue.count }
        harness.backend.deliver()
        harness.owner.onCompletion = nil
        #expect(timesArmedInCalls == 0)
        #expect(harness.ring.published == [0, 1, 2, 3])
        #expect(harness.owner.results == [64, 64, 64, 64])
        harness.turn()
        // The one that starved first is served first.
        #expect(harness.ring.handedOver.suffix(2) == [.operation(second), .operation(first)])
        harness.close()
    }

    /// A loop with little to receive writes to few of them.
    @Test func theKernelGetsMoreBuffersWhenItHadTooFew() throws {
        let harness = try ScriptedHarness(ScriptedRing(bufferCount: 8, givenCount: 1))
        let (first, second) = (harness.receive(), harness.receive())
        harness.turn()
        harness.ring.complete(first, 64, more: true, buffer: 0)
        harness.turn()
        #expect(harness.ring.published == [0])
        // Two that found none are one shortage.
        harness.ring.complete(first, 64, more: true, buffer: 0)
        harness.ring.complete(first, -ENOBUFS)
        harness.ring.complete(second, -ENOBUFS)
        harness.turn()
        #expect(harness.ring.published.sorted() == [0, 0, 1])
        // What the kernel said before it had the new one comes in a later turn.
        harness.turn()
        harness.ring.complete(second, -ENOBUFS)
        harness.turn()
        #expect(harness.ring.published.count == 3)
        for (latest, expected): (UInt16, [UInt16]) in [(1, [1, 2, 3]), (2, [2, 4, 5, 6, 7]), (7, [7])] {
            harness.turn()
            let former = harness.ring.published.count
            harness.ring.complete(first, 3, more: true, buffer: latest)
            harness.ring.complete(first, -ENOBUFS)
            harness.turn()
            #expect(harness.ring.published[former...].sorted() == expected)
        }
        #expect(harness.owner.seen.last?.bytes.count == 3)
        harness.close()
    }

    // Pitfall 30
    @Test func aBufferThatAnErrorTookGoesBackBeforeNewOnes() throws {
        let harness = try ScriptedHarness(ScriptedRing(bufferCount: 4, givenCount: 1))
        let (first, second) = (harness.receive(), harness.receive())
        harness.ring.complete(first, -ECONNRESET, buffer: 0)
        harness.ring.complete(second, -ENOBUFS)
        harness.turn()
        #expect(harness.ring.published == [0, 1])
        harness.turn()
        harness.ring.complete(second, 3, more: true, buffer: 0)
        harness.ring.complete(second, 4, more: true, buffer: 1)
        harness.turn()
        #expect(harness.owner.results == [-ECONNRESET, 3, 4])
        #expect(harness.ring.published == [0, 1, 0, 1])
        harness.close()
    }

    // Pitfall 32
    @Test func whoHadBuffersInThisTurnIsServedLast() throws {
        let harness = try ScriptedHarness()
        let (greedy, modest) = (harness.receive(), harness.receive())
        harness.turn()
        for number: UInt16 in 0..<4 { harness.ring.complete(greedy, 64, more: true, buffer: number) }
        // It ran out first, and has had all the others' share.
        harness.ring.complete(greedy, -ENOBUFS)
        harness.ring.complete(modest, -ENOBUFS)
        harness.turn()
        harness.turn()
        #expect(harness.ring.handedOver.suffix(2) == [.operation(modest), .operation(greedy)])
        harness.close()
    }

    @Test func aStarvedReceiveCanBeCancelled() throws {
        let harness = try ScriptedHarness()
        let (first, second) = (harness.receive(), harness.receive())
        harness.turn()
        harness.owner.onCompletion = { [backend = harness.backend] completion in
            if completion.token == second { backend.cancel(first) }
        }
        harness.ring.complete(first, -ENOBUFS)
        harness.ring.complete(second, 1, more: true, buffer: 0)
        harness.turn()
        harness.turn()
        harness.owner.onCompletion = nil
        #expect(harness.owner.finals == [.init(token: first, result: -ECANCELED, isFinal: true)])
        #expect(harness.ring.timesHandedOver(first) == 1)
        #expect(harness.backend.operationCount == 1)
        harness.close()
    }

    // Pitfall 21
    @Test func aCancelledReceiveWithoutABufferEnds() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        harness.turn()
        harness.backend.cancel(token)
        harness.ring.complete(token, -ENOBUFS)
        harness.turn()
        #expect(harness.owner.finals == [.init(token: token, result: -ECANCELED, isFinal: true)])
        harness.close()
    }
}
