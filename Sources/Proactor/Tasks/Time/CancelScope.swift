import CPosix

/// Who lets a part of a task be cancelled while the rest goes on.
///
/// Swift cannot take a cancel of a task back. So the part is a child task, which ends before the scope does: it runs on the
/// loop's thread like its parent, and sees its parent's cancel and task-local values.
///
/// ```
///             the child's first step           its last
///   notBegun ───────────────────────▶ running ──────────▶ over
/// ```
protocol CancelScope: AnyObject {
    var loop: BaseEventLoop { get }
    var part: CancellablePart { get set }

    /// Called in the child, right before the part.
    func partBegan()
}

/// What a ``CancelScope`` knows of its part.
struct CancellablePart {
    enum Phase {
        case notBegun
        /// The child, which outlives this phase.
        case running(UnsafeCurrentTask)
        case over
    }

    fileprivate(set) var phase = Phase.notBegun
    fileprivate(set) var isCancelled = false
    /// The loop's task whose step has made the child, unless that was a child of it that it does not know. It keeps the child's
    /// waits, so that they need no handlers of the runtime's.
    fileprivate var task: (any RegisteredTask)?
}

extension CancelScope {
    func partBegan() {}

    /// Cancels what runs in the scope, or will.
    func cancelPart() {
        part.isCancelled = true
        guard case .running(let child) = part.phase, !child.isCancelled else { return }
        child.cancel()
        part.task?.tellWaitOfCancel()
    }

    /// Runs `body` within the scope, once, and returns what it has thrown.
    nonisolated(nonsending) func runPart(
        _ body: nonisolated(nonsending) (Self) async throws -> Void
    ) async -> (any Error)? {
        let parent = UnsafeRawPointer(cposix_current_task())
        if let task = CurrentTask.current?.task, task.runningTask == parent { part.task = task }
        // All of it stays on the loop's thread, and the child is over before this returns.
        nonisolated(unsafe) let scope = self
        nonisolated(unsafe) let body = body
        async let failure = scope.performPart(body)
        let result = await failure
        part.task?.runningTask = parent
        part.task = nil
        return result
    }

    /// What the child does.
    private nonisolated(nonsending) func performPart(
        _ body: nonisolated(nonsending) (Self) async throws -> Void
    ) async -> (any Error)? {
        beginPart()
        partBegan()
        defer { part.phase = .over }
        do { try await body(self) } catch { return error }
        return nil
    }

    private func beginPart() {
        // Not a precondition: those lose their message in a release build.
        guard loop.isOnLoopThread else {
            fatalError(
                "a timeout or task group left its event loop's thread: use it in tasks of the loop's createTask"
            )
        }
        part.task?.runningTask = UnsafeRawPointer(cposix_current_task())
        withUnsafeCurrentTask { task in
            guard let task else { preconditionFailure("a child task runs outside of any task") }
            part.phase = .running(task)
            if part.isCancelled { task.cancel() }
        }
    }
}
