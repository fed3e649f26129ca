/// A callback that was given to ``AbstractEventLoop/callLater(_:_:)`` or ``AbstractEventLoop/callAt(_:_:)``.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let timeout = try loop.callLater(.seconds(30)) { transport.abort() }
/// timeout.cancel()
/// ```
public final class TimerHandle {
    /// When the callback is due, on the loop's clock.
    public let when: LoopInstant
    /// Whether ``cancel()`` was called.
    public var cancelled: Bool { isCancelled }

    // Exclusivity: a handle belongs to the loop's thread, and nothing calls out while these change.
    @exclusivity(unchecked) private var isCancelled = false
    @exclusivity(unchecked) var entry: ReadyEntry
    /// Its place in the heap; below zero when it is not in one.
    @exclusivity(unchecked) var heapIndex = -1
    /// Alive while `heapIndex` is not below zero: a heap takes its handles out before it goes.
    private unowned(unsafe) let timers: TimerHeap

    init(when: LoopInstant, entry: consuming ReadyEntry, timers: TimerHeap) {
        self.when = when
        self.entry = entry
        self.timers = timers
    }

    /// Keeps the callback from running and lets go of what it holds. Afterwards, or twice, it only marks the handle.
    public func cancel() {
        isCancelled = true
        if heapIndex >= 0 { timers.remove(self) }
        switch entry {
        case .contextCallback(let job):
            // The job's task ends only by running; it sees the mark and does nothing.
            entry = .empty
            timers.discarded(job)
        case .callback:
            entry = .empty
        case .empty, .job:
            break
        }
    }
}

@available(*, unavailable)
extension TimerHandle: Sendable {}
