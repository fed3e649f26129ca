import Dispatch
import Foundation
import Testing

@testable import Proactor

/// Minutes of everything at once. It counts the whole process's descriptors and threads, so it must be alone in it:
/// `make soak` runs it, and the other tests do not.
@Suite(.serialized, .enabled(if: SoakSettings.seconds != nil)) struct SoakTests {
    @Test(arguments: SoakKind.allCases)
    func mixedTrafficLeavesNothing(kind: SoakKind) throws {
        let seconds = try #require(SoakSettings.seconds)
        let seed = SoakSettings.seed
        print("soak of \(kind) for \(seconds) s; to repeat its choices: PROACTOR_SOAK_SEED=\(seed)")
        // What the process makes once and keeps is there after this.
        _ = try soak(kind, seed: seed &+ 1, for: .milliseconds(300))
        let before = ProcessCensus.take()
        print("soak of \(kind): \(try soak(kind, seed: seed, for: .seconds(seconds)))")
        // The last moments of a thread, and of a ring, which the kernel takes apart in its own time.
        let limit = ContinuousClock.now + .seconds(10)
        var after = ProcessCensus.take()
        while after.descriptors.count > before.descriptors.count || !after.threads.isEmpty,
            ContinuousClock.now < limit
        {
            usleep(10_000)
            after = ProcessCensus.take()
        }
        #expect(after.descriptors.count <= before.descriptors.count, "\(after.descriptors)")
        #expect(after.threads.isEmpty)
        #expect(!after.hasChildren)
    }

    /// Runs a soak on a thread of its own. One that hangs ends the program.
    private func soak(_ kind: SoakKind, seed: UInt64, for duration: Duration) throws -> String {
        let outcome = ThreadLock<Result<String, any Error>?>(nil)
        let isOver = DispatchSemaphore(value: 0)
        let thread = Thread {
            let result = Result { try Soak(kind: kind, seed: seed).run(for: duration) }
            outcome.withLock { $0 = result }
            isOver.signal()
        }
        thread.name = "driver"
        thread.start()
        let seconds = Double(duration.components.seconds) + 90
        guard isOver.wait(timeout: .now() + seconds) == .success else { fatalError("the soak does not end") }
        return try #require(outcome.withLock { $0 }).get()
    }
}
