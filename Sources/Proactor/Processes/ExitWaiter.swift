/// A task that waits for a child's end. Cancelling the task ends its own wait only.
///
/// As with ``AwaitedOperation``, the task goes on within the call that tells of the end, and stays suspended for good when its
/// loop closes first.
final class ExitWaiter {
    private let loop: BaseEventLoop

    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    /// `nil` before the task waits, and once it does no longer.
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<Int32?, Never>?
    /// The outcome of a wait that was over before it began: an actor's task comes to wait by the ready queue.
    @exclusivity(unchecked) private var early: Int32??

    init(loop: BaseEventLoop) {
        self.loop = loop
    }

    /// Makes the task wait for the exit code, or for `nil` when it is cancelled first.
    func begin(_ continuation: UnsafeContinuation<Int32?, Never>) {
        if let early { return continuation.resume(returning: early) }
        self.continuation = continuation
    }

    /// The child has ended. Nothing happens when the task was cancelled.
    func end(_ code: Int32) {
        guard let continuation = continuation.take() else { return endEarly(code) }
        loop.resumeNow { continuation.resume(returning: code) }
    }

    func cancelFromAnyThread() {
        guard !loop.isOnLoopThread else { return cancel() }
        // It reaches only the loop's thread.
        nonisolated(unsafe) let this = self
        // A closed loop has nobody left to tell.
        _ = loop.inbox.post(.callback { this.cancel() })
    }

    private func cancel() {
        guard let continuation = continuation.take() else { return endEarly(nil) }
        continuation.resume(returning: nil)
    }

    private func endEarly(_ outcome: Int32?) {
        if early == nil { early = .some(outcome) }
    }
}
