import Synchronization

/// How a task's wait in a ``WaitList`` ended.
enum WaitOutcome {
    /// It was its turn.
    case woken
    /// Its task was cancelled, and nothing was handed to it.
    case cancelled
    /// It was its turn, and its task was cancelled before it could go on: what it was handed is for the next.
    case wokenAndCancelled
}

/// A task's place in a ``WaitList``.
///
/// ```
///            wake                 the task goes on
///   queued ────────▶ woken ─────────────────────────▶ idle
///     │                                                ▲
///     └────────────▶ cancelled ────────────────────────┘
///        cancelWait
/// ```
///
/// The objects are used again: waiting allocates nothing. A cancel that comes too late names the use that it meant.
final class Waiter: CancellableWait {
    enum Phase {
        case idle
        case queued
        case woken
        case cancelled
    }

    /// The loop owns the pool that this object belongs to, and whoever uses the object is within a call of the loop.
    unowned(unsafe) let loop: BaseEventLoop

    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    @exclusivity(unchecked) private(set) var phase = Phase.idle
    @exclusivity(unchecked) private var isCancelled = false
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<Void, Never>?
    /// What it was woken with.
    @exclusivity(unchecked) private(set) var value = 0
    /// The list that it is queued in, which the waiting task holds.
    @exclusivity(unchecked) unowned(unsafe) var list: WaitList?
    @exclusivity(unchecked) var next: Waiter?
    /// `next` of that one holds this.
    @exclusivity(unchecked) unowned(unsafe) var previous: Waiter?
    /// How often the object was given back. Atomic, because the thread that cancels reads it. Only the loop's changes it.
    private let useNumber = Atomic<UInt64>(0)

    init(loop: BaseEventLoop) {
        self.loop = loop
    }

    /// Whether the task's cancel has been heard.
    var outcome: WaitOutcome {
        switch phase {
        case .woken: isCancelled ? .wokenAndCancelled : .woken
        case .cancelled: .cancelled
        case .idle, .queued: preconditionFailure("a task went on before its wait was over")
        }
    }

    func queue(in list: WaitList) {
        precondition(phase == .idle, "a waiter was queued twice")
        phase = .queued
        self.list = list
    }

    /// It is in no list: the loop wakes it in its next turn.
    func queueForNextTurn() {
        precondition(phase == .idle, "a waiter was queued twice")
        phase = .queued
    }

    /// Waits until it is woken, or its task is cancelled.
    // Not inlined: see `CancellationHandler`.
    @inline(never)
    nonisolated(nonsending) func suspend() async {
        let handler = CancellationHandler(for: self)
        defer { handler.remove() }
        await suspendRegardless()
    }

    /// Waits until it is woken. Cancelling its task changes nothing.
    @inline(__always)
    nonisolated(nonsending) func suspendRegardless() async {
        // Used on the loop's thread only.
        nonisolated(unsafe) let this = self
        await suspendTask { continuation in
            // It may be over by now: see `CancellableWait`.
            if this.phase == .queued { this.continuation = continuation } else { continuation.resume() }
        }
    }

    /// Its turn has come. It has left the list.
    func wake(with value: Int) {
        precondition(phase == .queued, "a task was woken twice")
        phase = .woken
        self.value = value
        list = nil
        continuation.take()?.resume()
    }

    var waitNumber: UInt64 { useNumber.load(ordering: .relaxed) }

    func cancelWait() {
        isCancelled = true
        guard phase == .queued, let list else { return }
        list.remove(self)
        self.list = nil
        phase = .cancelled
        continuation.take()?.resume()
    }

    /// Makes it ready for another use.
    func reset() {
        precondition(
            phase != .queued && continuation == nil,
            "a waiter was given back before its wait was over"
        )
        phase = .idle
        isCancelled = false
        useNumber.store(useNumber.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
}

/// The ``Waiter`` objects of a loop that nobody uses.
struct WaiterPool {
    private var idle: [Waiter] = []

    private static let idleMax = 1024

    mutating func take(for loop: BaseEventLoop) -> Waiter {
        idle.popLast() ?? Waiter(loop: loop)
    }

    mutating func giveBack(_ waiter: Waiter) {
        waiter.reset()
        if idle.count < Self.idleMax { idle.append(waiter) }
    }
}
