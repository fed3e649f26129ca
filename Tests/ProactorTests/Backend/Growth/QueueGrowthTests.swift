import Testing

@testable import Proactor

/// When a ring's queues are to grow.
@Suite struct QueueGrowthTests {
    private func growth(
        _ submissions: Int = 64,
        _ completions: Int = 256,
        isPossible: Bool = true
    ) -> QueueGrowth {
        QueueGrowth(
            sizes: .init(submissions: submissions, completions: completions),
            limits: .init(submissions: 1024, completions: 4096),
            isPossible: isPossible
        )
    }

    @Test func queuesGrowStepByStepToTheirLimitsAndNoFurther() {
        var growth = growth()
        var seen: [QueueGrowth.Sizes] = []
        for _ in 0..<100_000 {
            growth.noteOverflow()
            guard let next = growth.next else { continue }
            seen.append(next)
            growth.hasGrown(to: next)
        }
        let steps = [(256, 1024), (1024, 4096)]
        #expect(seen == steps.map { .init(submissions: $0.0, completions: $0.1) })
        #expect(!growth.isPossible)
    }

    @Test func aRareShortageIsBorne() {
        var growth = growth()
        growth.noteOverflow()
        for _ in 0..<500 { growth.noteFlush() }
        #expect(growth.next == nil)
        for _ in 0..<500 { growth.noteFlush() }
        #expect(growth.next != nil)
    }

    @Test func overflowsWeighMoreThanFullSubmissionQueues() {
        var (flushed, overflown) = (growth(), growth())
        var (flushes, overflows) = (0, 0)
        while flushed.next == nil {
            flushed.noteFlush()
            flushes += 1
        }
        while overflown.next == nil {
            overflown.noteOverflow()
            overflows += 1
        }
        #expect(overflows > 1 && overflows * 10 < flushes)
    }

    @Test func whatIsRefusedIsNotAskedForAgain() {
        var growth = growth()
        while growth.next == nil { growth.noteOverflow() }
        growth.stop()
        for _ in 0..<10_000 { growth.noteOverflow() }
        #expect(growth.next == nil && !growth.isPossible)
    }

    @Test func queuesThatCannotOrNeedNotGrowStay() {
        for var growth in [growth(isPossible: false), growth(1024, 4096), growth(2048, 8192)] {
            for _ in 0..<10_000 { growth.noteOverflow() }
            #expect(growth.next == nil)
        }
        // One of the two.
        var growth = growth(2048, 2048)
        while growth.next == nil { growth.noteOverflow() }
        #expect(growth.next == .init(submissions: 2048, completions: 4096))
    }

    /// Before anybody is told of a completion, and after the queue was emptied.
    @Test func aTurnHasOneOccasionToGrow() throws {
        let harness = try ScriptedHarness()
        let token = harness.receive()
        harness.turn()
        var occasionsWhenTold: [Int] = []
        harness.owner.onCompletion = { [unowned ring = harness.ring] _ in
            occasionsWhenTold.append(ring.growthOccasions.count)
        }
        for buffer: UInt16 in 0..<3 { harness.ring.complete(token, 1, more: true, buffer: buffer) }
        harness.turn()
        #expect(harness.ring.growthOccasions == [0, 0])
        #expect(occasionsWhenTold == [2, 2, 2])
        harness.owner.onCompletion = nil
        harness.close()
    }
}
