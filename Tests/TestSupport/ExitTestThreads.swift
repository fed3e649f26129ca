import Foundation
import Testing

extension Trait where Self == ExitTestThreads {
    /// For each test with a process of its own (`processExitsWith`).
    package static var exitTest: Self { Self() }
}

/// Runs exit tests on threads of their own.
///
/// Swift Testing blocks a thread for as long as the process of an exit test runs: it reads what that one has to report. The
/// runtime's pool has no more threads than there are processors, so a few exit tests at a time hold up all other
/// tests, and those that need the pool come near their limits.
package struct ExitTestThreads: TestTrait, TestScoping {
    private static let turns = TestTurns(count: max(2, ProcessInfo.processInfo.activeProcessorCount))
    private static let executor = ThreadPerJob()

    package func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Self.turns.run {
            try await withTaskExecutorPreference(Self.executor) { try await function() }
        }
    }
}

private final class ThreadPerJob: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
