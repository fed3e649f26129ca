/// The task-local values of one moment, for calls to be made with them later, as often as wanted: what `run` of asyncio's `Context` is.
///
/// Only a task can carry such values, and it takes them over when it is made. So this is a task of the runtime's that makes one call
/// after the other, and waits in between. To make one allocates what a callback with a context does, and a call allocates nothing.
///
/// ```
///              run
///   waiting ──────────▶ running        and back when the call is over
///      │                   │
///      └───────────────────┴────▶ ended
///              end
/// ```
///
/// It holds itself until ``end()``, which must be called.
final class CapturedContext {
    private let loop: BaseEventLoop
    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    /// The task's first step, before the first call.
    @exclusivity(unchecked) private var firstStep: UnownedJob?
    /// What the task waits by, after it.
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<Void, Never>?
    /// What is to be called next.
    @exclusivity(unchecked) private var call: (() -> Void)?
    @exclusivity(unchecked) private var isRunning = false
    @exclusivity(unchecked) private var isEnded = false

    /// The values that hold now. Which task of the loop's runs is none of them.
    init(of loop: BaseEventLoop) {
        self.loop = loop
        // Used on the loop's thread only.
        nonisolated(unsafe) let this = self
        firstStep = CurrentTask.$current.withValue(nil) {
            loop.captureJob { Task(executorPreference: loop) { await this.makeCalls() } }
        }
    }

    /// Calls `body` with the values, before it returns.
    func run(_ body: () -> Void) {
        // Within a call they hold already.
        guard !isRunning, !isEnded else { return body() }
        isRunning = true
        withoutActuallyEscaping(body) { body in
            call = body
            goOn()
        }
        isRunning = false
    }

    /// Lets go of the values: at once, or when the call is over that is being made. Does nothing the second time.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        // In a fork's child the values are copies of the parent's, and stay.
        if !isRunning, !loop.isForked { goOn() }
    }

    /// Has the task take its next step, on this thread, up to its next wait or its end.
    private func goOn() {
        if let step = firstStep.take() { return loop.runNested(step) }
        guard let continuation = continuation.take() else {
            preconditionFailure("a captured context was used within itself")
        }
        loop.runNested(loop.captureJob { continuation.resume() })
    }

    private nonisolated(nonsending) func makeCalls() async {
        // Used on the loop's thread only.
        nonisolated(unsafe) let this = self
        while makeCall() {
            await suspendTask { this.continuation = $0 }
        }
    }

    /// Returns whether another one may follow.
    private func makeCall() -> Bool {
        call.take()?()
        return !isEnded
    }
}
