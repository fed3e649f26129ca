/// The elements of a ``Queue`` as they come: see ``Queue/elements``.
///
/// It ends when the queue is shut down and empty. When the task is cancelled it throws `CancellationError`; what has not been
/// got stays in the queue. Several tasks may iterate over one queue, and each element goes to one of them.
///
/// ```swift
/// for try await job in jobs.elements { print(job) }
/// ```
public struct QueueElements<Element>: AsyncSequence {
    let queue: Queue<Element>

    public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

    /// One iteration.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: Queue<Element>

        /// Waits for the next element, and returns `nil` when there will be none.
        public mutating func next() async throws -> Element? {
            try await next(isolation: #isolation)
        }

        /// Waits for the next element, and returns `nil` when there will be none.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            do { return try await queue.get() } catch QueueError.shutDown { return nil }
        }
    }
}

@available(*, unavailable)
extension QueueElements: Sendable {}

@available(*, unavailable)
extension QueueElements.Iterator: Sendable {}
