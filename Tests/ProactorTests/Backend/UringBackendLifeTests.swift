import CPosix
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// Waking, closing, threads and forks on the real kernel.
@Suite(.needsRing) struct UringBackendLifeTests {
    private static let limit = Int64(TestLimit.wait / .nanoseconds(1))

    private static func wakeUp(byMessage: Bool) -> RingConfiguration {
        var configuration = RingConfiguration()
        configuration.messageWakeUp = byMessage
        return configuration
    }

    // Pitfall 7
    @Test(arguments: [true, false]) func anotherThreadEndsEveryWait(_ byMessage: Bool) throws {
        let harness = try RingHarness(Self.wakeUp(byMessage: byMessage))
        let waker = harness.backend.waker
        for _ in 0..<200 {
            let thread = TestThread { waker.wake() }
            let start = harness.backend.system.now()
            harness.turn(timeoutNanoseconds: Self.limit)
            #expect(start.duration(to: harness.backend.system.now()) < TestLimit.wait)
            thread.join()
        }
        #expect(harness.backend.operationCount == 0)
    }

    @Test(arguments: [true, false]) func manyThreadsWakeAtOnce(_ byMessage: Bool) throws {
        var configuration = Self.wakeUp(byMessage: byMessage)
        configuration.growingQueues = false
        configuration.submissionQueueSize = 2
        configuration.completionQueueSize = 4
        let harness = try RingHarness(configuration)
        let waker = harness.backend.waker
        let threads = (0..<4).map { _ in TestThread { for _ in 0..<500 { waker.wake() } } }
        let (reading, writing) = try harness.pair()
        let (owner, sender) = (CompletionRecorder(), CompletionRecorder())
        harness.backend.submit(.receive(reading), owner: owner)
        for number in 0..<100 { harness.send([UInt8(number)], on: writing, owner: sender) }
        harness.run(until: { owner.bytes.count == 100 })
        for thread in threads { thread.join() }
        #expect(owner.bytes == Array(0..<100))
        harness.turn()
        let last = TestThread { waker.wake() }
        let start = harness.backend.system.now()
        harness.turn(timeoutNanoseconds: Self.limit)
        #expect(start.duration(to: harness.backend.system.now()) < TestLimit.wait)
        last.join()
    }

    @Test(arguments: [true, false]) func aWakeBeforeTheStartIsNotLost(_ byMessage: Bool) throws {
        let harness = try RingHarness(Self.wakeUp(byMessage: byMessage), started: false)
        harness.backend.waker.wake()
        try harness.backend.start()
        let start = harness.backend.system.now()
        harness.turn(timeoutNanoseconds: Self.limit)
        #expect(start.duration(to: harness.backend.system.now()) < TestLimit.wait)
    }

    // Pitfall 6
    @Test func aPollWithoutTimeSeesWhatHappened() throws {
        let harness = try RingHarness()
        let (reading, writing) = try harness.pair()
        let owner = CompletionRecorder()
        harness.backend.submit(.receive(reading), owner: owner)
        harness.turn()
        #expect(try writing.writeAll([1]) == 1)
        harness.turn()
        #expect(owner.bytes == [1])
    }

    @Test func aWaitEndsByItself() async throws {
        // On a thread that had no other ring, whose end would interrupt the wait.
        try await onThread {
            let harness = try RingHarness()
            let start = harness.backend.system.now()
            harness.turn(timeoutNanoseconds: 2_000_000)
            #expect(start.duration(to: harness.backend.system.now()) >= .milliseconds(2))
        }
    }

    // Pitfall 16
    // Pitfall 24
    @Test(arguments: RingHarness.configurations)
    func closingEndsWhatIsInFlight(_ configuration: RingConfiguration) throws {
        weak var observed: CompletionRecorder?
        let harness = try RingHarness(configuration)
        let (listener, _) = try harness.listener()
        let pairs = try (0..<20).map { _ in try harness.pair() }
        let (closing, peer) = try harness.pair()
        harness.disown(closing)
        do {
            let owner = CompletionRecorder()
            owner.onCompletion = { _ in Issue.record("an owner was called by close") }
            observed = owner
            harness.backend.submit(.accept(listener), owner: owner)
            for pair in pairs {
                harness.backend.submit(.receive(pair.0), owner: owner)
                harness.backend.submit(.receiveInto(pair.1, harness.buffer([0])), owner: owner)
            }
            harness.turn()
            // Never handed over by a poll.
            harness.backend.submit(.receive(pairs[0].1), owner: owner)
            harness.backend.submit(.close(closing), owner: nil)
        }
        let start = harness.backend.system.now()
        harness.backend.close()
        #expect(start.duration(to: harness.backend.system.now()) < TestLimit.wait)
        #expect(harness.backend.operationCount == 0)
        #expect(observed == nil)
        #expect(seesEndOfStream(peer))
        harness.backend.close()
    }

    @Test func aRingThatNeverRanIsClosedFromAnywhere() throws {
        let harness = try RingHarness(started: false)
        let (closing, peer) = try harness.pair()
        harness.disown(closing)
        harness.backend.submit(.close(closing), owner: nil)
        nonisolated(unsafe) let backend = harness.backend
        TestThread { backend.close() }.join()
        #expect(seesEndOfStream(peer))
        #expect(harness.backend.operationCount == 0)
    }

    // Pitfall 1
    @Test func aRingIsClosedAfterItsThreadIsGone() throws {
        let harness = try RingHarness(started: false)
        let (reading, _) = try harness.pair()
        weak var observed: CompletionRecorder?
        nonisolated(unsafe) let shared = harness
        do {
            nonisolated(unsafe) let owner = CompletionRecorder()
            observed = owner
            TestThread {
                do { try shared.backend.start() } catch { Issue.record(error) }
                shared.backend.submit(.receive(reading), owner: owner)
                shared.turn()
            }.join()
        }
        harness.backend.close()
        #expect(harness.backend.operationCount == 0)
        #expect(observed == nil)
    }

    // Pitfall 1
    @Test(.exitTest) func anotherThreadsPollIsRefused() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let harness = try RingHarness()
            nonisolated(unsafe) let backend = harness.backend
            TestThread { backend.poll(timeoutNanoseconds: 0) }.join()
        }
        #expect(result.ended(saying: "polled on another thread than the one that started it"))
    }

    // Pitfall 9
    @Test(.exitTest) func aForkedChildIsRefusedAndTheParentGoesOn() async {
        await #expect(processExitsWith: .success) {
            let harness = try RingHarness()
            let (reading, writing) = try harness.pair()
            let (owner, sender) = (CompletionRecorder(), CompletionRecorder())
            harness.backend.submit(.receive(reading), owner: owner)
            harness.turn()
            let closed = statusOfFork {
                harness.backend.close()
                return 0
            }
            #expect(closed == 0)
            let polled = statusOfFork {
                harness.backend.poll(timeoutNanoseconds: 0)
                return 0
            }
            // A trap, and no fault in memory that is not there.
            #expect([SIGILL, SIGTRAP, SIGABRT].contains(polled & 0x7f))
            harness.send([5], on: writing, owner: sender)
            harness.run(until: { owner.bytes == [5] })
        }
    }

    @Test(.exitTest) func nothingIsLeftOpen() async {
        await #expect(processExitsWith: .success) {
            // The test runner has sockets of its own.
            let before = openRingsAndSockets()
            for configuration in RingHarness.configurations {
                let harness = try RingHarness(configuration)
                harness.backend.submit(.receive(try harness.pair().0), owner: nil)
                harness.turn()
                #expect(openRingsAndSockets().count == before.count + 3)
            }
            #expect(openRingsAndSockets() == before)
        }
    }

    @Test(.exitTest) func theEventIsClosedToo() async {
        await #expect(processExitsWith: .success) {
            let harness = try RingHarness(Self.wakeUp(byMessage: false))
            let descriptor = try #require(harness.backend.waker as? EventWaker).descriptor
            #expect(openFile(descriptor)?.contains("eventfd") == true)
            harness.backend.close()
            #expect(openFile(descriptor)?.contains("eventfd") != true)
        }
    }
}

private func openRingsAndSockets() -> [String] {
    (0..<1024).compactMap { openFile($0) }.filter { $0.contains("io_uring") || $0.contains("socket") }
}

/// What a descriptor is, as /proc names it.
private func openFile(_ descriptor: Int32) -> String? {
    var name = [UInt8](repeating: 0, count: 256)
    let count = name.withUnsafeMutableBytes { buffer in
        buffer.withMemoryRebound(to: CChar.self) {
            readlink("/proc/self/fd/\(descriptor)", $0.baseAddress!, $0.count)
        }
    }
    return count > 0 ? String(decoding: name.prefix(count), as: UTF8.self) : nil
}
