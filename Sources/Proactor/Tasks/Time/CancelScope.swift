/// Part of a task that can be cancelled while the rest goes on.
///
/// Swift cannot take a cancel of a task back. So the part is a child task, which ends before the scope does: it runs on the
/// loop's thread like its parent, and sees its parent's cancel and task-local values.
final class CancelScope {
    private enum Phase {
        case notBegun
        /// The child, which outlives this phase.
        case running(UnsafeCurrentTask)
        case over
    }

    private let loop: BaseEventLoop
    private var phase = Phase.notBegun
    private(set) var isCancelled = false

    init(loop: BaseEventLoop) {
        self.loop = loop
    }

    /// Cancels what runs in the scope, or will.
    func cancel() {
        isCancelled = true
        if case .running(let child) = phase { child.cancel() }
    }

    /// Runs `body` within the scope, once.
    ///
    /// - Parameter hasBegun: called in the child, right before `body`.
    nonisolated(nonsending) func run<Value>(
        hasBegun: () -> Void,
        _ body: nonisolated(nonsending) () async throws -> Value
    ) async -> Result<Value, any Error> {
        // All of it stays on the loop's thread, and the child is over before this returns.
        nonisolated(unsafe) let scope = self
        nonisolated(unsafe) let body = body
        nonisolated(unsafe) let hasBegun = hasBegun
        nonisolated(unsafe) var result: Result<Value, any Error>?
        async let child: Void = {
            scope.begin()
            hasBegun()
            do { result = .success(try await body()) } catch { result = .failure(error) }
            scope.phase = .over
        }()
        await child
        guard let result else { preconditionFailure("a child task ended without an outcome") }
        return result
    }

    private func begin() {
        // Not a precondition: those lose their message in a release build.
        guard loop.isOnLoopThread else {
            fatalError(
                "a timeout or task group left its event loop's thread: use it in tasks of the loop's createTask"
            )
        }
        withUnsafeCurrentTask { task in
            guard let task else { preconditionFailure("a child task runs outside of any task") }
            phase = .running(task)
            if isCancelled { task.cancel() }
        }
    }
}
