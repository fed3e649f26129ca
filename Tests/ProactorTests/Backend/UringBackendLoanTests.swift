import Glibc
import Testing

@testable import Proactor

/// Received bytes that stay where they are for who sends them on, on a scripted ring with four buffers of 64 bytes: byte n of them
/// all has the value n.
@Suite struct UringBackendLoanTests {
    private func bytes(_ range: Range<Int>) -> [UInt8] { range.map { UInt8(truncatingIfNeeded: $0) } }

    @Test func aBufferThatIsLentGoesBackWithTheLoan() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        var lent = UnsafeRawBufferPointer(start: nil, count: 0)
        var loans: [Int32] = []
        harness.owner.onCompletion = { [backend = harness.backend] completion in
            lent = completion.bytes
            loans = [
                backend.lend(lent), backend.lend(.init(rebasing: lent[3..<5])),
                backend.lend(.init(rebasing: lent[...])),
            ]
        }
        harness.ring.complete(token, 10, more: true, buffer: 3)
        harness.turn()
        harness.owner.onCompletion = nil
        #expect(loans == [3, 3, 3])
        #expect(harness.ring.published == [])
        for loan in loans.dropLast() { harness.backend.endLoan(loan) }
        harness.turn()
        #expect(harness.ring.published == [])
        #expect(Array(lent) == bytes(192..<202))
        harness.backend.endLoan(loans[2])
        harness.turn()
        #expect(harness.ring.published == [3])
        harness.close()
    }

    @Test func onlyWhatIsBeingDeliveredIsLent() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        var before = UnsafeRawBufferPointer(start: nil, count: 0)
        let other = [UInt8](repeating: 1, count: 10)
        var refused: [Int32] = []
        harness.owner.onCompletion = { [backend = harness.backend] completion in
            let beyond = UnsafeRawBufferPointer(start: completion.bytes.baseAddress, count: 11)
            refused += [backend.lend(before), backend.lend(beyond)]
            refused.append(other.withUnsafeBytes { backend.lend($0) })
            before = completion.bytes
        }
        harness.ring.complete(token, 10, more: true, buffer: 0)
        harness.ring.complete(token, 10, more: true, buffer: 1)
        harness.turn()
        harness.owner.onCompletion = nil
        refused.append(harness.backend.lend(before))
        #expect(refused == Array(repeating: -1, count: 7))
        #expect(harness.ring.published == [0, 1])
        harness.close()
    }

    /// A piece of an incrementally consumed buffer stays while the kernel fills what is behind it.
    @Test func aBufferIsSpentWhileAPieceOfItIsLent() throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: true))
        let token = harness.receive()
        var loan: Int32 = -1
        harness.owner.onCompletion = { [backend = harness.backend] completion in
            if loan < 0 { loan = backend.lend(completion.bytes) }
        }
        harness.ring.complete(token, 10, more: true, buffer: 0, bufferMore: true)
        harness.ring.complete(token, 20, more: true, buffer: 0, bufferMore: true)
        harness.ring.complete(token, 34, more: true, buffer: 0)
        harness.turn()
        harness.owner.onCompletion = nil
        #expect(harness.owner.seen.map(\.bytes) == [bytes(0..<10), bytes(10..<30), bytes(30..<64)])
        #expect(loan == 0 && harness.ring.published == [])
        harness.backend.endLoan(loan)
        harness.turn()
        #expect(harness.ring.published == [0])
        // It starts anew.
        harness.ring.complete(token, 5, more: true, buffer: 0, bufferMore: true)
        harness.turn()
        #expect(harness.owner.seen.last?.bytes == bytes(0..<5))
        harness.close()
    }

    @Test func someBuffersAreLeftForThoseWhoReceive() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        var loans: [Int32] = []
        harness.owner.onCompletion = { [backend = harness.backend] completion in
            loans.append(backend.lend(completion.bytes))
        }
        for buffer in 0..<4 { harness.ring.complete(token, 64, more: true, buffer: UInt16(buffer)) }
        harness.turn()
        harness.owner.onCompletion = nil
        #expect(loans == [0, 1, 2, -1])
        #expect(harness.ring.published == [3])
        for loan in loans.dropLast() { harness.backend.endLoan(loan) }
        harness.turn()
        #expect(Set(harness.ring.published) == [0, 1, 2, 3])
        harness.close()
    }

    @Test func aClosedRingTakesLoansBack() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        var loan: Int32 = -1
        harness.owner.onCompletion = { [backend = harness.backend] in loan = backend.lend($0.bytes) }
        harness.ring.complete(token, 10, more: true, buffer: 0)
        harness.turn()
        harness.owner.onCompletion = nil
        harness.close()
        harness.backend.endLoan(loan)
        #expect(harness.ring.recycled == [])
    }
}
