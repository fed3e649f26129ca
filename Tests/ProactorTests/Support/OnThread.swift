import CTestLimits
import Foundation
import TestSupport
import Testing

@testable import Proactor

/// Runs `body` on a new thread and returns its result; `nil`, and an issue, when it takes longer than ``TestLimit/test``.
/// A thread that hangs is left behind, and the test run goes on without it.
///
/// - Parameter hasTurn: it is part of a test that has its turn (``TestTurns``) already.
func onThread<Value>(
    hasTurn: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: sending @escaping () throws -> sending Value
) async throws -> Value? {
    let outcome = TestOutcome<Value>()
    // It was sent here, and the thread is its only user.
    nonisolated(unsafe) let body = body
    func run() async throws -> Value? {
        // The process of an exit test may take so long for each of its steps.
        ctestlimits_renew()
        let thread = Thread {
            outcome.begin()
            outcome.finish(Result { try body() })
        }
        thread.stackSize = 1 << 20
        thread.start()
        return try await outcome.value(within: TestLimit.test, sourceLocation)
    }
    return hasTurn ? try await run() : try await TestTurns.shared.run(run)
}

/// As ``onThread(hasTurn:sourceLocation:_:)``, but in a task of its own, and with ``TestLimit/task``. One that hangs is
/// cancelled, and left behind too.
func inTask<Value: Sendable>(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: sending @escaping () async throws -> Value
) async throws -> Value? {
    let outcome = TestOutcome<Value>()
    let task = Task {
        do { outcome.finish(.success(try await body())) } catch { outcome.finish(.failure(error)) }
    }
    let value = try await outcome.value(within: TestLimit.task, sourceLocation)
    task.cancel()
    return value
}

/// What a body came to, or the end of its time, whichever is first.
private final class TestOutcome<Value>: @unchecked Sendable {
    // Guarded by the lock; the value is handed over once.
    private let lock = NSLock()
    private var isFinished = false
    private var result: Result<Value, any Error>?
    private var waiter: CheckedContinuation<Void, Never>?
    /// The number that the system knows the body's thread by.
    private var thread: Int32?

    /// Called on the body's thread.
    func begin() {
        lock.withLock { thread = ctestlimits_thread() }
    }

    /// `nil` is the end of its time.
    func finish(_ result: Result<Value, any Error>?) {
        let waiter = lock.withLock { () -> CheckedContinuation<Void, Never>? in
            guard !isFinished else { return nil }
            isFinished = true
            self.result = result
            defer { self.waiter = nil }
            return self.waiter
        }
        waiter?.resume()
    }

    /// The result, or an issue and `nil`.
    func value(within limit: Duration, _ sourceLocation: SourceLocation) async throws -> Value? {
        TestLimit.after(limit) { self.finish(nil) }
        await withCheckedContinuation { continuation in
            let isFinished = lock.withLock {
                if !self.isFinished { waiter = continuation }
                return self.isFinished
            }
            if isFinished { continuation.resume() }
        }
        let (result, thread) = lock.withLock {
            defer { self.result = nil }
            return (self.result, self.thread)
        }
        if let result { return try result.get() }
        let place = thread.map { "; its thread is \(threadState($0))" } ?? ""
        Issue.record("the test did not end within \(limit)\(place)", sourceLocation: sourceLocation)
        return nil
    }
}

/// Whether a thread of this process runs (R) or waits (S), and where in the kernel, if that says so.
private func threadState(_ number: Int32) -> String {
    let place = "/proc/self/task/\(number)"
    let function = try? String(contentsOfFile: "\(place)/wchan", encoding: .utf8)
    return "\(stateLetter(inFile: "\(place)/stat") ?? "gone"), in \(function ?? "?")"
}
