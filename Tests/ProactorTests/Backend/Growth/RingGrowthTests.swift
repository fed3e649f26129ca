import CUring
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// Larger queues for a ring that is in use, as the real kernel makes them.
@Suite(.enabled(if: KernelFacts.growthIsSafe), .needsLockedMemory) struct RingGrowthTests {
    private static let sizes = [(1, 2), (4, 8), (16, 16), (64, 256)]

    private func harness(
        _ submissions: Int,
        _ completions: Int,
        _ change: (inout RingConfiguration) -> Void = { _ in }
    ) throws -> (RingHarness, KernelRing) {
        var configuration = RingConfiguration()
        configuration.submissionQueueSize = submissions
        configuration.completionQueueSize = completions
        change(&configuration)
        let harness = try RingHarness(configuration)
        return (harness, try #require(harness.backend.ring as? KernelRing))
    }

    // Pitfall 2
    // Pitfall 7
    @Test(arguments: sizes) func nothingIsLostNorOvertakenWhileQueuesGrow(
        _ submissions: Int,
        _ completions: Int
    ) throws {
        let (harness, ring) = try harness(submissions, completions)
        let before = ring.queueSizes
        let streams = try (0..<150).map { _ in try Stream(harness) }
        let count = 700
        for _ in 0..<count {
            for stream in streams { stream.sendNext() }
            harness.turn()
        }
        harness.run(until: { streams.allSatisfy { $0.reader.bytes.count == count } })
        for stream in streams {
            #expect(stream.reader.bytes == stream.sent)
            #expect(stream.reader.finals.isEmpty)
            #expect(stream.sender.results == [Int32](repeating: 1, count: count))
        }
        let after = ring.queueSizes
        #expect(after.submissions > before.submissions && after.completions > before.completions)
        #expect(after.submissions <= 1024 && after.completions <= 4096)
        #expect(harness.backend.staleCompletionCount == 0)
        #expect(harness.backend.lostBufferCount == 0)
    }

    // Pitfall 7
    /// Completions that nobody has looked at, and others that found no room among them, move along.
    @Test func whatWaitsInTheQueueMovesAlong() throws {
        let (harness, ring) = try harness(64, 64)
        let owner = CompletionRecorder()
        let pairs = try (0..<200).map { _ in try harness.pair() }
        for pair in pairs { harness.backend.submit(.receive(pair.0), owner: owner) }
        harness.turn()
        for (number, pair) in pairs.enumerated() { _ = try pair.1.writeAll([UInt8(number)]) }
        // More than the queue holds.
        while !curing_has_overflown(ring.ring) { _ = ring.submitAndWait(timeoutNanoseconds: 0) }
        var parameters = curing_parameters(submission_entries: 256, completion_entries: 1024)
        #expect(curing_grow(ring.ring, &parameters) == 0)
        #expect(ring.queueSizes == .init(submissions: 256, completions: 1024))
        harness.run(until: { owner.bytes.count == 200 })
        #expect(owner.bytes.sorted() == (0..<200).map { UInt8($0) })
        // Each still receives.
        for (number, pair) in pairs.enumerated() { _ = try pair.1.writeAll([UInt8(number)]) }
        harness.run(until: { owner.bytes.count == 400 })
        #expect(owner.finals.isEmpty)
    }

    @Test func queuesDoNotChangeUnderWhatIsPrepared() throws {
        let (harness, ring) = try harness(64, 256)
        let (reading, writing) = try harness.pair()
        let owner = CompletionRecorder()
        harness.send([1], on: writing, owner: owner)
        var parameters = curing_parameters(submission_entries: 256, completion_entries: 1024)
        #expect(curing_grow(ring.ring, &parameters) == -EAGAIN)
        harness.run(until: { owner.results == [1] })
        #expect(curing_grow(ring.ring, &parameters) == 0)
        harness.backend.submit(.receive(reading), owner: owner)
        harness.run(until: { owner.bytes == [1] })
    }

    @Test func othersWakeTheLoopWhileItsQueuesGrow() async throws {
        try await onThread {
            let (harness, ring) = try harness(1, 2)
            let waker = harness.backend.waker
            let threads = (0..<2).map { _ in TestThread { for _ in 0..<5000 { waker.wake() } } }
            let streams = try (0..<50).map { _ in try Stream(harness) }
            for _ in 0..<200 {
                for stream in streams { stream.sendNext() }
                harness.turn()
            }
            harness.run(until: { streams.allSatisfy { $0.reader.bytes == $0.sent } })
            for thread in threads { thread.join() }
            #expect(ring.queueSizes.submissions > 1)
        }
    }

    @Test func queuesStayAsTheyAreWhenAskedTo() throws {
        let changes: [(inout RingConfiguration) -> Void] = [
            { $0.growingQueues = false },
            {
                $0.submissionQueueLimit = 4
                $0.completionQueueLimit = 8
            },
        ]
        for change in changes {
            let (harness, ring) = try harness(4, 8, change)
            let streams = try (0..<100).map { _ in try Stream(harness) }
            for _ in 0..<100 {
                for stream in streams { stream.sendNext() }
                harness.turn()
            }
            harness.run(until: { streams.allSatisfy { $0.reader.bytes == $0.sent } })
            #expect(ring.queueSizes == .init(submissions: 4, completions: 8))
        }
    }

    @Test func growthCanBeSwitchedOff() throws {
        var configuration = RingConfiguration()
        #expect(try RingHarness(configuration).backend.features.growingQueues == true)
        configuration.growingQueues = false
        #expect(try RingHarness(configuration).backend.features.growingQueues == false)
    }

    /// By a filter, as a container might have one.
    @Test(.exitTest) func aRefusalLeavesTheRingAsItIs() async {
        await #expect(processExitsWith: .success) {
            var configuration = RingConfiguration()
            (configuration.submissionQueueSize, configuration.completionQueueSize) = (4, 8)
            let harness = try RingHarness(configuration)
            let ring = try #require(harness.backend.ring as? KernelRing)
            // IORING_REGISTER_RESIZE_RINGS
            try refuseCall(427, EPERM, whenSecondArgumentIs: 33)
            let streams = try (0..<100).map { _ in try Stream(harness) }
            for _ in 0..<200 {
                for stream in streams { stream.sendNext() }
                harness.turn()
            }
            harness.run(until: { streams.allSatisfy { $0.reader.bytes == $0.sent } })
            #expect(ring.queueSizes == .init(submissions: 4, completions: 8))
            // One that is made now knows it at once.
            #expect(try RingHarness().backend.features.growingQueues == false)
        }
    }
}

/// A stream of numbered bytes over a ring.
private final class Stream {
    let reader = CompletionRecorder()
    let sender = CompletionRecorder()
    private(set) var sent: [UInt8] = []
    private let harness: RingHarness
    private let writing: FileDescriptor
    private var isSending = false
    private var due = 0

    init(_ harness: RingHarness) throws {
        self.harness = harness
        let (reading, writing) = try harness.pair()
        self.writing = writing
        harness.backend.submit(.receive(reading), owner: reader)
        sender.onCompletion = { [unowned self] _ in
            isSending = false
            sendDue()
        }
    }

    /// One at a time: two sends could change places.
    func sendNext() {
        due += 1
        sendDue()
    }

    private func sendDue() {
        guard due > 0, !isSending else { return }
        due -= 1
        isSending = true
        sent.append(UInt8(truncatingIfNeeded: sent.count))
        harness.send([sent[sent.count - 1]], on: writing, owner: sender)
    }
}
