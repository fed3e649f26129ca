import Foundation
import Testing

extension Trait where Self == ExitTestThreads {
    /// For each test with a process of its own (`processExitsWith`).
    static var exitTest: Self { Self() }
}

/// Runs exit tests on threads of their own: Swift Testing blocks one for as long as the process runs, and the runtime's pool has
/// few.
struct ExitTestThreads: TestTrait, TestScoping {
    private static let executor = ThreadPerJob()

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Self.executor) { try await function() }
    }
}

private final class ThreadPerJob: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
