import CUring
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// How the ring is set up and what is put into it, as the real kernel sees it.
@Suite(.needsRing) struct KernelRingTests {
    private func kernelRing(_ harness: RingHarness) throws -> KernelRing {
        try #require(harness.backend.ring as? KernelRing)
    }

    // Pitfall 3
    @Test func aBadSubmissionHoldsUpNoneBehindIt() throws {
        let harness = try RingHarness()
        let (reading, writing) = try harness.pair()
        let owner = CompletionRecorder()
        harness.send([1], on: writing, owner: owner)
        // The kernel refuses it as it takes it, since there is no memory: without SUBMIT_ALL it would stop there.
        let nowhere = try #require(UnsafeMutablePointer<msghdr>(bitPattern: 4096))
        harness.backend.submit(.sendMessage(writing, nowhere), owner: owner)
        harness.send([2], on: writing, owner: owner)
        harness.turn()
        #expect(owner.results.sorted() == [-EFAULT, 1, 1])
        var received: [UInt8] = [0, 0, 0]
        #expect(recv(reading.rawValue, &received, 3, Int32(MSG_DONTWAIT)) == 2)
        #expect(received == [1, 2, 0])
    }

    // Pitfall 10
    @Test func theKernelsWorkersAreCapped() throws {
        var configuration = RingConfiguration()
        configuration.workerLimit = 3
        let harness = try RingHarness(configuration)
        #expect(try kernelRing(harness).workerLimits == [3, 3])
    }

    // Pitfall 13
    @Test(arguments: [true, false]) func theKernelIsToldWhetherAnIdleRingWaitsForADisk(isAsked: Bool) throws {
        var configuration = RingConfiguration()
        configuration.noIOWait = isAsked
        let harness = try RingHarness(configuration)
        let ring = try kernelRing(harness)
        #expect(harness.backend.features.noIOWait == (isAsked && ring.kernelHasNoIOWait))
        // A kernel that did not know the flag would refuse to wait.
        #expect(ring.submitAndWait(timeoutNanoseconds: 1_000_000) >= 0)
        #expect(lastWaitHadNoIOWait(ring) == harness.backend.features.noIOWait)
        // Without a wait there is nothing to count.
        _ = ring.submitAndWait(timeoutNanoseconds: 0)
        #expect(!lastWaitHadNoIOWait(ring))
    }

    private func lastWaitHadNoIOWait(_ ring: KernelRing) -> Bool {
        curing_last_enter_flags(ring.ring) & CURING_ENTER_NO_IOWAIT != 0
    }

    @Test(arguments: [false, true])
    func aWriteIsLoudUntilItIsOver(isQuiet: Bool) throws {
        var configuration = RingConfiguration()
        configuration.quietWrites = isQuiet
        let harness = try RingHarness(configuration)
        let ring = try kernelRing(harness)
        let loud = harness.backend.features.quietWrites ? 0 : 1
        let (writing, reading) = try harness.pair()
        let peer = RawPeer(reading)
        harness.disown(reading)
        // Non-blocking, as pipes are on every loop.
        try #require(fcntl(writing.rawValue, F_SETFL, O_NONBLOCK) == 0)
        let bytes = UnsafeRawBufferPointer(harness.buffer([UInt8](repeating: 7, count: 65_536)))
        while Glibc.send(writing.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT)) > 0 {}
        peer.finish()
        let owner = CompletionRecorder()
        let token = harness.backend.submit(.pipeWrite(writing, bytes), owner: owner)
        #expect(ring.loudWriteCount == loud)
        func turn(until condition: () -> Bool) throws {
            let deadline = ContinuousClock.now + TestLimit.wait
            while !condition() {
                try #require(ContinuousClock.now < deadline, "what was waited for did not come")
                harness.turn(timeoutNanoseconds: 1_000_000)
            }
        }
        // A wait that ends in nothing but the peer's end, and one that lasts.
        try turn { harness.backend.table.find(token)?.pointee.isWaiting == true }
        for _ in 0..<300 { harness.turn() }
        #expect(ring.loudWriteCount == loud && owner.seen.isEmpty)
        peer.read()
        try turn { !owner.seen.isEmpty }
        #expect(owner.results.allSatisfy { $0 > 0 } && owner.finals.count == 1)
        #expect(ring.loudWriteCount == 0)
    }

    // Pitfall 14
    @Test func noKernelThreadPollsForSubmissions() throws {
        let harness = try RingHarness()
        let info = textOfFile("/proc/self/fdinfo/\(try kernelRing(harness).descriptor)")
        #expect(info.contains("SqMask:"))
        #expect(info.contains("SqThread:\t-1\n"))
    }

    // Pitfall 36
    @Test func aSendCompletesOnceAndHasNoNotification() throws {
        let harness = try RingHarness()
        let ring = try kernelRing(harness)
        let (listener, address) = try harness.listener()
        let client = try harness.socket()
        #expect(try address.withKernelForm { connect(client.rawValue, $0, $1) } == 0)
        let server = accept(listener.rawValue, nil, nil)
        defer { close(server) }
        let bytes = UnsafeRawBufferPointer(harness.buffer([UInt8](repeating: 7, count: 65_536)))
        let token = OperationToken(kind: .send, generation: 0, slot: 0)
        #expect(ring.prepare(.send(client, bytes), token: token))
        let completions = UnsafeMutablePointer<RingCompletion>.allocate(capacity: 8)
        defer { completions.deallocate() }
        var count = 0
        while count == 0 {
            _ = ring.submitAndWait(timeoutNanoseconds: secondInNanoseconds)
            count = ring.reap(into: completions, capacity: 8)
        }
        #expect(count == 1)
        #expect(completions[0].user_data == token.rawValue && completions[0].result > 0)
        // A zero-copy send's first completion says that another follows.
        #expect(completions[0].flags == 0)
    }

    // Pitfall 32
    @Test(arguments: [true, false], [true, false])
    func aFloodDoesNotStarveTheOthers(isIncremental: Bool, isMultishot: Bool) throws {
        var configuration = RingConfiguration()
        configuration.incrementalBuffers = isIncremental
        configuration.multishotReceive = isMultishot
        (configuration.bufferCount, configuration.bufferSize) = (2, 1024)
        (configuration.incrementalBufferCount, configuration.incrementalBufferSize) = (2, 1024)
        let harness = try RingHarness(configuration)
        let floods = try (0..<4).map { _ in try harness.pair() }
        let quiet = try (0..<4).map { _ in try harness.pair() }
        let flooded = CompletionRecorder()
        let readers = quiet.map { _ in CompletionRecorder() }
        for pair in floods { harness.backend.submit(.receive(pair.0), owner: flooded) }
        for (pair, reader) in zip(quiet, readers) { harness.backend.submit(.receive(pair.0), owner: reader) }
        let chunk = [UInt8](repeating: 7, count: 65_536)
        for turn in 0..<300 {
            for pair in floods { _ = send(pair.1.rawValue, chunk, chunk.count, Int32(MSG_DONTWAIT)) }
            // One byte each, once the flood stands.
            if turn == 20 { for pair in quiet { _ = try pair.1.writeAll([9]) } }
            harness.turn(timeoutNanoseconds: 1_000_000)
            if readers.allSatisfy({ $0.bytes == [9] }) { break }
        }
        #expect(readers.allSatisfy { $0.bytes == [9] })
        #expect(flooded.finals.isEmpty && !flooded.bytes.isEmpty)
    }
}

private func textOfFile(_ path: String) -> String {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return "" }
    defer { try? file.close() }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while let count = try? chunk.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 {
        text += chunk[..<count]
    }
    return String(decoding: text, as: UTF8.self)
}
