/// A callback that was given to ``AbstractEventLoop/callSoon(_:)``.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let handle = try loop.callSoon { print("not printed") }
/// handle.cancel()
/// ```
public struct Handle {
    private let block: ReadyBlock
    private let index: Int

    init(block: ReadyBlock, index: Int) {
        self.block = block
        self.index = index
    }

    /// Keeps the callback from running and lets go of what it holds. Afterwards, or twice, it only marks the handle.
    public func cancel() {
        block.thread.check("Handle.cancel")
        block.cancel(index)
    }

    /// Whether ``cancel()`` was called.
    public var cancelled: Bool {
        block.thread.check("Handle.cancelled")
        return block.isCancelled(index)
    }
}

@available(*, unavailable)
extension Handle: Sendable {}
