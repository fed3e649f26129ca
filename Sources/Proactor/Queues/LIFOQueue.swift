/// A ``Queue`` whose newest element is the next: asyncio's `LifoQueue`.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let idleConnections = LIFOQueue<Connection>()
/// let warmest = try await idleConnections.get()
/// ```
public final class LIFOQueue<Element>: Queue<Element> {
    /// An empty queue.
    ///
    /// - Parameter maxSize: how many elements there may be in it; zero or less is without limit.
    public init(maxSize: Int = 0) {
        super.init(maxSize: maxSize, discipline: .newest)
    }
}
