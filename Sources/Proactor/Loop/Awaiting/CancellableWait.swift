/// What a task waits for on a loop, and a cancel of the task reaches.
///
/// All waits on a loop have one shape: whether there is still something to wait for is looked at where the continuation is made,
/// since a task on its way there may be cancelled, or come by the ready queue; and a cancel, which may come on any thread, takes
/// effect on the loop's. Four classes make the continuations: ``AwaitedOperation`` for a completion, ``Waiter`` for a turn at a
/// lock, a queue or their like, ``StreamWait`` for what comes by a stream, and ``Future`` for all else that somebody of this loop
/// brings about. What is waited for from any thread (``ConcurrentFuture``, ``GroupEnd``) looks under its
/// lock instead, and hears of a cancel by `withTaskCancellationHandler`.
protocol CancellableWait: AnyObject {
    var loop: BaseEventLoop { get }
    /// Tells the waits for one object apart, when it is used again. Read on any thread.
    var waitNumber: UInt64 { get }
    /// The task that waits was cancelled, perhaps before it waits. Called on the loop's thread.
    func cancelWait()
}

extension CancellableWait {
    var waitNumber: UInt64 { 0 }

    /// For ``CancellationHandler``: the task was cancelled on this thread, whichever it is.
    func waiterWasCancelled() {
        guard !loop.isOnLoopThread else { return loop.waitCancels.cancel(self) }
        let number = waitNumber
        // It reaches only the loop's thread.
        nonisolated(unsafe) let this = self
        // A closed loop has nobody left to tell.
        _ = loop.inbox.post(.callback { if this.waitNumber == number { this.cancelWait() } })
    }
}

/// Makes a call of the cancel of a task that waits.
final class CancelCall: CancellableWait {
    let loop: BaseEventLoop
    private let call: () -> Void

    init(loop: BaseEventLoop, _ call: @escaping () -> Void) {
        self.loop = loop
        self.call = call
    }

    func cancelWait() {
        call()
    }
}

/// Cancels that reach waits on the loop's thread. A task that waits for a task that waits for a task… is cancelled link by link,
/// and not each within the one before: a long chain would overflow the stack.
final class WaitCancels {
    // Exclusivity: they belong to the loop's thread, and nothing is called while they change.
    @exclusivity(unchecked) private var isCancelling = false
    @exclusivity(unchecked) private var later: [(wait: any CancellableWait, number: UInt64)] = []

    /// Cancels a wait: at once, or, within the cancel of another, when that is done.
    func cancel(_ wait: any CancellableWait) {
        guard !isCancelling else { return later.append((wait, wait.waitNumber)) }
        isCancelling = true
        wait.cancelWait()
        if !later.isEmpty { cancelLater() }
        isCancelling = false
    }

    private func cancelLater() {
        var next = 0
        while next < later.count {
            let (wait, number) = later[next]
            next += 1
            // An object that is used again waits for something else.
            if wait.waitNumber == number { wait.cancelWait() }
        }
        later = []
    }
}
