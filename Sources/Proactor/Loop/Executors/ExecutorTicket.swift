/// Carries work to an executor and its outcome back to the loop. An executor that releases it unused has
/// dropped the work.
///
/// `@unchecked Sendable`: the future is touched on the loop's thread only; elsewhere it is held.
final class ExecutorTicket<Value>: @unchecked Sendable {
    private let work: PendingWork<Value>
    private let loop: BaseEventLoop
    private let future: Future<Value>

    init(work: PendingWork<Value>, loop: BaseEventLoop, future: Future<Value>) {
        self.work = work
        self.loop = loop
        self.future = future
    }

    deinit {
        if work.drop() { Self.finish(future, on: loop, with: .failed(ExecutorError.workDropped)) }
    }

    /// Called by the executor, on a thread of its own.
    func run() {
        _ = work.run { result in
            switch result {
            case .success(let value): Self.finish(future, on: loop, with: .succeeded(value))
            case .failure(let error): Self.finish(future, on: loop, with: FutureOutcome(error: error))
            }
        }
    }

    /// The first outcome counts. A closed loop has nobody left who waits, and what it is not told is released
    /// here.
    private static func finish(
        _ future: Future<Value>,
        on loop: BaseEventLoop,
        with outcome: sending FutureOutcome<Value>
    ) {
        // Both are handed over to the loop's thread, and not used here any more.
        nonisolated(unsafe) let future = future
        nonisolated(unsafe) let outcome = outcome
        _ = loop.inbox.post(.callback { if !future.done { future.finish(outcome) } })
    }
}
