/// Instants at a fixed distance: ``AbstractEventLoop/ticks(every:)`` makes it.
///
/// The first tick comes one interval after the first `next()`, and every later one a whole number of intervals after
/// it, however long the body of the `for` loop takes: ticks do not drift. Ticks that pass while the body is at work are
/// not made up for: the next `next()` returns the latest of them at once, and the ones before it are left out.
///
/// It ends when its task is cancelled, or with the loop's ``AbstractEventLoop/shutdownAsyncSequences()``.
///
/// Thread rule: the loop's thread only, so in tasks of ``AbstractEventLoop/createTask(name:_:)`` and the like.
///
/// ```swift
/// loop.createTask {
///     for await _ in try loop.ticks(every: .seconds(30)) { pool.closeIdleConnections() }
/// }
/// ```
public struct LoopTicks: AsyncSequence {
    public typealias Element = LoopInstant
    public typealias Failure = Never

    let loop: BaseEventLoop
    /// The distance between two ticks.
    public let interval: Duration

    /// Each iteration counts from its own first `next()`.
    public func makeAsyncIterator() -> Iterator {
        Iterator(source: TickSource(loop: loop, interval: interval))
    }

    /// One iteration.
    public struct Iterator: AsyncIteratorProtocol {
        let source: TickSource

        /// Waits for the next tick and returns the instant at which it was due; `nil` at the end.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> LoopInstant? {
            await source.next()
        }
    }
}

@available(*, unavailable)
extension LoopTicks: Sendable {}

@available(*, unavailable)
extension LoopTicks.Iterator: Sendable {}
