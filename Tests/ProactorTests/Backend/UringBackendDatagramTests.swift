import CUring
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Receives of datagrams, on a scripted ring with four small buffers for them.
@Suite struct UringBackendDatagramTests {
    private final class Fixture {
        let harness: ScriptedHarness
        let reception = DatagramReception.allocate(for: .ipv4)
        let token: OperationToken
        /// Written down in each call: what the reception says holds no longer.
        var sources: [SocketAddress?] = []
        var cuts: [Bool] = []
        var segmentSizes: [Int] = []
        var lacks: [Bool] = []
        var recycledInCalls: [[UInt16]] = []

        init(_ ring: ScriptedRing = ScriptedRing()) throws {
            harness = try ScriptedHarness(ring)
            token = harness.backend.submit(
                .receiveDatagrams(ScriptedHarness.descriptor, reception),
                owner: harness.owner
            )
            harness.owner.onCompletion = { [unowned self] completion in
                guard completion.result >= 0 else { return }
                sources.append(SocketAddress(kernelForm: reception.pointee.source))
                cuts.append(reception.pointee.isTruncated)
                segmentSizes.append(reception.pointee.segmentSize)
                lacks.append(reception.pointee.mayLackSegmentSize)
                recycledInCalls.append(harness.ring.recycledDatagrams)
            }
        }

        deinit {
            reception.free()
        }

        func close() {
            harness.owner.onCompletion = nil
            harness.close()
        }

        /// Puts a datagram into a buffer as the kernel does, and completes with it.
        func complete(
            _ payload: [UInt8],
            from port: UInt16,
            buffer: UInt16,
            more: Bool = true,
            flags: UInt32 = 0,
            joined: Int32? = nil,
            behind others: [UInt8] = []
        ) throws {
            let area = try harness.ring.makeDatagramBuffers()
            let start = area.memory + Int(buffer) * area.size
            var head = curing_datagram_head()
            head.name_length = UInt32(MemoryLayout<sockaddr_in>.size)
            head.payload_length = UInt32(payload.count)
            head.flags = flags
            let control = others + (joined.map { controlMessage(.joinDatagrams, $0) } ?? [])
            head.control_length = UInt32(control.count)
            (start + 48).copyMemory(from: control, byteCount: control.count)
            start.storeBytes(of: head, as: curing_datagram_head.self)
            _ = try SocketAddress.ipv4(.loopback, port: port).write(to: start + 16)
            let prefix = 48 + reception.pointee.controlCapacity
            (start + prefix).copyMemory(from: payload, byteCount: payload.count)
            harness.ring.complete(token, Int32(prefix + payload.count), more: more, buffer: buffer)
        }
    }

    @Test func aDatagramIsLentWithItsSource() throws {
        let fixture = try Fixture()
        try fixture.complete([1, 2, 3], from: 7, buffer: 2)
        try fixture.complete([4], from: 8, buffer: 0)
        fixture.harness.turn()
        #expect(fixture.harness.owner.seen.map(\.bytes) == [[1, 2, 3], [4]])
        #expect(fixture.harness.owner.results == [3, 1])
        #expect(fixture.sources == [.ipv4(.loopback, port: 7), .ipv4(.loopback, port: 8)])
        #expect(fixture.cuts == [false, false])
        // Each goes back after its call, and all of them to the kernel at the turn's end.
        #expect(fixture.recycledInCalls == [[], [2]])
        #expect(fixture.harness.ring.publishedDatagrams == [2, 0])
        #expect(fixture.harness.ring.published == [])
        fixture.close()
    }

    // Pitfall 26
    @Test func anEmptyDatagramThatEndsTheReceiveIsNoEnd() throws {
        let fixture = try Fixture()
        fixture.harness.turn()
        try fixture.complete([], from: 7, buffer: 1, more: false)
        fixture.harness.turn()
        #expect(fixture.harness.owner.results == [0])
        #expect(fixture.harness.owner.finals.isEmpty)
        fixture.harness.turn()
        #expect(fixture.harness.ring.timesHandedOver(fixture.token) == 2)
        #expect(fixture.harness.ring.publishedDatagrams == [1])
        fixture.close()
    }

    @Test func aCutDatagramIsMarked() throws {
        let fixture = try Fixture()
        try fixture.complete(Array(repeating: 9, count: 16), from: 7, buffer: 3, flags: UInt32(MSG_TRUNC))
        try fixture.complete([1], from: 7, buffer: 0)
        fixture.harness.turn()
        #expect(fixture.cuts == [true, false])
        fixture.close()
    }

    @Test func joinedDatagramsSayHowLongEachIs() throws {
        let fixture = try Fixture()
        try fixture.complete(Array(repeating: 9, count: 7), from: 7, buffer: 3, joined: 3)
        fixture.harness.turn()
        // The buffer still holds the message, which is not the next one's.
        try fixture.complete([1], from: 7, buffer: 3)
        try fixture.complete([1], from: 7, buffer: 1, joined: -5)
        fixture.harness.turn()
        #expect(fixture.segmentSizes == [3, 0, 0])
        #expect(fixture.harness.owner.results == [7, 1, 1])
        fixture.close()
    }

    @Test func theNoteOfJoinedDatagramsIsFoundAmongOthers() throws {
        let fixture = try Fixture()
        let cut = UInt32(MSG_CTRUNC)
        let time = controlMessage(SocketOption(level: SOL_SOCKET, name: SO_TIMESTAMP), Int64(1), Int64(2))
        let service = controlMessage(SocketOption(level: Int32(IPPROTO_IP), name: IP_TOS), UInt8(4))
        try fixture.complete([1, 2, 3], from: 7, buffer: 0, joined: 2, behind: time + service)
        // Others found no room: the note is what counts.
        try fixture.complete([1, 2, 3], from: 7, buffer: 1, flags: cut, joined: 2, behind: time)
        // It may be the one that found none.
        try fixture.complete([1, 2, 3], from: 7, buffer: 2, flags: cut, behind: time + service)
        fixture.harness.turn()
        try fixture.complete([1, 2, 3], from: 7, buffer: 3, flags: cut)
        // Half a note is none.
        var half = controlMessage(.joinDatagrams, Int32(2)).prefix(18)
        half[0] = 18
        try fixture.complete([1, 2, 3], from: 7, buffer: 0, flags: cut, behind: Array(half))
        // No message at all.
        try fixture.complete(
            [1],
            from: 7,
            buffer: 1,
            behind: [5, 0, 0, 0, 0, 0, 0, 0] + Array(time.dropFirst(8))
        )
        fixture.harness.turn()
        #expect(fixture.segmentSizes == [2, 2, 0, 0, 0, 0])
        #expect(fixture.lacks == [false, false, true, true, true, false])
        fixture.close()
    }

    // Pitfall 28
    // Pitfall 29
    @Test func withoutABufferItWaitsForOne() throws {
        let fixture = try Fixture()
        fixture.harness.turn()
        for number: UInt16 in 0..<4 { try fixture.complete([UInt8(number)], from: 7, buffer: number) }
        fixture.harness.ring.complete(fixture.token, -ENOBUFS)
        fixture.harness.turn()
        #expect(fixture.harness.owner.results == [1, 1, 1, 1])
        #expect(fixture.harness.ring.publishedDatagrams == [0, 1, 2, 3])
        fixture.harness.turn()
        #expect(fixture.harness.ring.timesHandedOver(fixture.token) == 2)
        fixture.close()
    }

    // Pitfall 21
    @Test func aDatagramThatOutrunsTheCancelCounts() throws {
        let fixture = try Fixture()
        fixture.harness.turn()
        fixture.harness.backend.cancel(fixture.token)
        try fixture.complete([5], from: 7, buffer: 0, more: false)
        fixture.harness.turn()
        #expect(
            fixture.harness.owner.finals == [
                .init(token: fixture.token, result: 1, isFinal: true, bytes: [5])
            ]
        )
        #expect(fixture.harness.ring.publishedDatagrams == [0])
        #expect(fixture.harness.backend.operationCount == 0)
        fixture.close()
    }

    // Pitfall 30
    @Test func anErrorsBufferGoesBack() throws {
        let fixture = try Fixture()
        fixture.harness.ring.complete(fixture.token, -ECONNREFUSED, buffer: 0)
        fixture.harness.turn()
        #expect(fixture.harness.owner.finals.map(\.result) == [-ECONNREFUSED])
        let again = fixture.harness.backend.submit(
            .receiveDatagrams(ScriptedHarness.descriptor, fixture.reception),
            owner: fixture.harness.owner
        )
        fixture.harness.ring.complete(again, -ENOBUFS)
        fixture.harness.turn()
        #expect(fixture.harness.ring.publishedDatagrams == [0])
        fixture.close()
    }

    @Test func withoutMemoryForBuffersItEnds() throws {
        let ring = ScriptedRing()
        ring.datagramBufferFailure = .noMemory
        let fixture = try Fixture(ring)
        #expect(fixture.harness.owner.finals.isEmpty)
        fixture.harness.turn()
        #expect(fixture.harness.owner.finals.map(\.result) == [-ENOMEM])
        #expect(ring.timesHandedOver(fixture.token) == 0)
        #expect(fixture.harness.backend.operationCount == 0)
        fixture.close()
    }

    // Pitfall 24
    @Test func aRingThatCannotBeDrainedKeepsTheReception() async throws {
        let owner = CompletionRecorder()
        weak let kept = owner
        let harness = try ScriptedHarness()
        let reception = DatagramReception.allocate(for: .ipv4)
        harness.backend.submit(.receiveDatagrams(ScriptedHarness.descriptor, reception), owner: owner)
        harness.turn()
        // From elsewhere its end cannot be seen.
        nonisolated(unsafe) let backend = harness.backend
        try await onThread { backend.close() }
        #expect(backend.operationCount == 1)
        #expect(harness.ring.keptBuffers)
        #expect(kept != nil)
    }
}

/// A control message as the kernel writes it, with what aligns the next one.
private func controlMessage<each Part: BitwiseCopyable>(_ option: SocketOption, _ parts: repeat each Part)
    -> [UInt8]
{
    var data: [UInt8] = []
    for part in repeat each parts { withUnsafeBytes(of: part) { data.append(contentsOf: $0) } }
    var head = cmsghdr()
    head.cmsg_len = MemoryLayout<cmsghdr>.size + data.count
    head.cmsg_level = option.level
    head.cmsg_type = option.name
    let message = withUnsafeBytes(of: head) { Array($0) } + data
    return message + Array(repeating: 0, count: (8 - message.count % 8) % 8)
}
