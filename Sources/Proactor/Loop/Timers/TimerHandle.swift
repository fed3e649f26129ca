/// A callback that was given to ``AbstractEventLoop/callLater(_:_:)`` or ``AbstractEventLoop/callAt(_:_:)``.
///
/// Thread rule: the loop's thread only. Copies stand for the same callback.
///
/// ```swift
/// let timeout = try loop.callLater(.seconds(30)) { transport.abort() }
/// timeout.cancel()
/// ```
public struct TimerHandle {
    /// When the callback is due, on the loop's clock.
    public let when: LoopInstant

    private let sequence: UInt64
    private let marks: TimerMarks
    private let slot: Int32

    init(when: LoopInstant, sequence: UInt64, slot: Int32, marks: TimerMarks) {
        self.when = when
        self.sequence = sequence
        self.slot = slot
        self.marks = marks
    }

    /// Whether ``cancel()`` was called.
    public var cancelled: Bool {
        marks.store.thread.check("TimerHandle.cancelled")
        return marks.isCancelled(sequence)
    }

    /// Keeps the callback from running and lets go of what it holds. Afterwards, or twice, it only marks the handle.
    public func cancel() {
        marks.store.thread.check("TimerHandle.cancel")
        marks.markCancelled(sequence)
        marks.store.cancel(slot, sequence)
    }
}

@available(*, unavailable)
extension TimerHandle: Sendable {}
