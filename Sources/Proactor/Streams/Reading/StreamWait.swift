import Synchronization

/// The wait of the one task that reads a stream. It is used again: waiting allocates nothing.
final class StreamWait: CancellableWait {
    /// The reader holds its loop, and whoever waits or wakes holds the reader.
    unowned(unsafe) let loop: BaseEventLoop

    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    /// Whether a task waits, and was neither woken nor cancelled.
    @exclusivity(unchecked) private(set) var isWaiting = false
    /// Whether a task waits, or has not gone on since.
    @exclusivity(unchecked) private(set) var isTaken = false
    @exclusivity(unchecked) private var isCancelled = false
    /// How many waits there were, modulo 2^32. Atomic, because the thread that cancels reads it. Only the loop's changes it.
    private let useNumber = Atomic<UInt32>(0)
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<Void, Never>?

    init(loop: BaseEventLoop) {
        self.loop = loop
    }

    /// Waits until it is woken, or its task is cancelled. Returns false when the task was cancelled, woken or not.
    // Inlined into functions that are not: see `CancellationHandler`.
    @inline(__always)
    nonisolated(nonsending) func untilWoken() async -> Bool {
        precondition(!isTaken, "two tasks waited for one stream")
        (isWaiting, isTaken, isCancelled) = (true, true, false)
        // A cancel that comes when the handler is removed is another wait's, or nobody's.
        defer { useNumber.store(useNumber.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
        let handler = CancellationHandler(for: self)
        defer { handler.remove() }
        // Used on the loop's thread only.
        nonisolated(unsafe) let this = self
        await suspendTask { continuation in
            // It may be over by now: see `CancellableWait`.
            if this.isWaiting { this.continuation = continuation } else { continuation.resume() }
        }
        isTaken = false
        return !isCancelled
    }

    /// Lets the task go on, if one waits.
    @inline(__always)
    func wake() {
        guard isWaiting else { return }
        isWaiting = false
        continuation.take()?.resume()
    }

    /// As ``wake()``, and the task goes on within this call.
    @inline(__always)
    func wakeNow() {
        // Whoever wakes holds the loop; to count a reference to it costs as much as all else here.
        Unmanaged.passUnretained(loop)._withUnsafeGuaranteedRef { loop in loop.resumeNow { wake() } }
    }

    var waitNumber: UInt64 { UInt64(useNumber.load(ordering: .relaxed)) }

    func cancelWait() {
        isCancelled = true
        wake()
    }
}
