import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Receives that take some bytes of a stream once, on a scripted ring with four buffers of 64 bytes for streams, of which the
/// bytes count up, and as many for these.
@Suite struct UringBackendSingleTests {
    private func bytes(_ range: Range<Int>) -> [UInt8] { range.map { UInt8(truncatingIfNeeded: $0) } }

    /// What lies in the buffers of single receives from `offset` on.
    private func singles(_ harness: ScriptedHarness, _ offset: Int, _ count: Int) throws -> [UInt8] {
        let area = try harness.ring.makeSingleBuffers()
        return Array(UnsafeRawBufferPointer(start: area.memory + offset, count: count))
    }

    @Test func itsBytesComeFromBuffersOfItsOwn() throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: true))
        let (stream, single) = (harness.receive(), harness.receiveOnce())
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(stream), .single(single, into: .singles)])
        harness.ring.complete(stream, 10, more: true, buffer: 1, bufferMore: true)
        harness.ring.complete(single, 20, buffer: 1)
        harness.ring.complete(stream, 5, more: true, buffer: 1, bufferMore: true)
        harness.turn()
        let own = try singles(harness, 64, 20)
        #expect(harness.owner.seen.map(\.bytes) == [bytes(64..<74), own, bytes(74..<79)])
        #expect(own != bytes(64..<84))
        #expect(harness.ring.publishedSingles == [1] && harness.ring.published == [])
        harness.close()
    }

    // Pitfall 30
    /// A thread of the kernel's has taken a buffer, and received nothing.
    @Test(arguments: [-ECANCELED, -EINTR, -ECONNRESET] as [Int32])
    func aBufferThatBroughtNothingGoesBack(result: Int32) throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: true))
        let (stream, first, second) = (harness.receive(), harness.receiveOnce(), harness.receiveOnce())
        harness.turn()
        harness.ring.complete(stream, 10, more: true, buffer: 0, bufferMore: true)
        harness.backend.cancel(first)
        harness.ring.complete(first, result, buffer: 0)
        harness.ring.complete(second, 3, buffer: 1)
        harness.ring.complete(stream, 10, more: true, buffer: 0, bufferMore: true)
        harness.turn()
        #expect(harness.ring.publishedSingles == [0, 1])
        #expect(harness.owner.seen.last?.bytes == bytes(10..<20))
        harness.close()
    }

    // Pitfall 30
    /// Its thread held it while later ones came and went: it was certainly taken. And one with an earlier turn tells nothing of a
    /// buffer that the kernel may have kept.
    @Test func whatWasOvertakenIsInNoDoubt() throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: true))
        let tokens = (0..<4).map { _ in harness.receiveOnce() }
        harness.turn()
        harness.ring.complete(tokens[0], 3, buffer: 2)
        harness.ring.complete(tokens[1], -ECANCELED, buffer: 0)
        harness.turn()
        #expect(harness.ring.publishedSingles == [2, 0])
        harness.ring.complete(tokens[2], -ECONNRESET, buffer: 3)
        harness.ring.complete(tokens[3], 3, buffer: 1)
        harness.turn()
        #expect(harness.ring.publishedSingles == [2, 0, 1])
        let last = harness.receiveOnce()
        harness.turn()
        harness.ring.complete(last, 3, buffer: 2)
        harness.turn()
        #expect(harness.ring.publishedSingles == [2, 0, 1, 3, 2])
        harness.close()
    }

    // Pitfall 28
    @Test func withoutABufferItWaitsForOne() throws {
        let harness = try ScriptedHarness(ScriptedRing(incremental: true))
        let (first, second) = (harness.receiveOnce(), harness.receiveOnce())
        harness.turn()
        harness.ring.complete(first, -ECONNRESET, buffer: 3)
        harness.ring.complete(second, -ENOBUFS)
        harness.turn()
        #expect(harness.ring.publishedSingles == [3] && harness.ring.published == [])
        harness.turn()
        #expect(harness.ring.handedOver.count { $0 == .single(second, into: .singles) } == 2)
        harness.close()
    }

    /// A receive that asks for no length takes all that is left where more than its result is taken.
    @Test func aUnixSocketsPiecesComeFromTheBuffersOfStreams() throws {
        let ring = ScriptedRing(incremental: true, multishotUnixReceive: false)
        let harness = try ScriptedHarness(ring)
        let pair = try SocketPair(.unix)
        let single = harness.receiveOnce()
        let receive = harness.backend.submit(.receive(pair.first), owner: harness.owner)
        harness.turn()
        #expect(ring.handedOver.last == .single(receive, into: .streams))
        ring.complete(receive, 3, buffer: 0, bufferMore: true)
        ring.complete(single, 4, buffer: 0)
        ring.complete(receive, 5, buffer: 0)
        harness.turn()
        #expect(harness.owner.seen.map(\.bytes) == [bytes(0..<3), try singles(harness, 0, 4), bytes(3..<8)])
        #expect(ring.publishedSingles == [0] && ring.published == [0])
        harness.close()
        try pair.close()
    }

    @Test func wholeBuffersServeAllAlike() throws {
        let harness = try ScriptedHarness()
        let single = harness.receiveOnce()
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(single)])
        harness.ring.complete(single, 3, buffer: 1)
        harness.turn()
        #expect(harness.owner.bytes == bytes(64..<67))
        #expect(harness.ring.published == [1] && harness.ring.timesAskedForSingleBuffers == 0)
        harness.close()
    }

    /// Then it does not wait with a buffer, and so never gets to where the kernel takes what does not come.
    @Test func withoutMemoryForThemItWaitsFirst() throws {
        let ring = ScriptedRing(incremental: true)
        ring.singleBufferFailure = .noMemory
        let harness = try ScriptedHarness(ring)
        let (stream, single, other) = (harness.receive(), harness.receiveOnce(), harness.receiveOnce())
        harness.turn()
        #expect(ring.timesAskedForSingleBuffers == 1)
        #expect(
            ring.handedOver.suffix(2) == [.single(single, into: .streams), .single(other, into: .streams)]
        )
        ring.complete(single, -EAGAIN)
        harness.turn()
        harness.turn()
        #expect(ring.handedOver.last == .wait(single, .read))
        ring.complete(single, Int32(POLLIN))
        harness.turn()
        harness.turn()
        #expect(ring.handedOver.last == .single(single, into: .streams))
        ring.complete(stream, 10, more: true, buffer: 0, bufferMore: true)
        ring.complete(single, 20, buffer: 0, bufferMore: true)
        ring.complete(stream, 5, more: true, buffer: 0, bufferMore: true)
        harness.turn()
        #expect(harness.owner.seen.map(\.bytes) == [bytes(0..<10), bytes(10..<30), bytes(30..<35)])
        harness.close()
    }
}
