/// The policy unless another is set: each thread has the loop that was set on it, and new loops are
/// ``EventLoop``s.
///
/// ```swift
/// let policy = DefaultEventLoopPolicy()
/// policy.setEventLoop(try policy.newEventLoop())
/// ```
public final class DefaultEventLoopPolicy: EventLoopPolicy {
    private let loops = ThreadLocalObject()

    /// A policy that knows no loop yet.
    public init() {}

    /// The loop that was set on the calling thread. None is made: a loop that nobody asked for is one that
    /// nobody closes.
    ///
    /// - Throws: ``EventLoopError/noCurrentLoop``.
    public func getEventLoop() throws(EventLoopError) -> any AbstractEventLoop {
        guard let loop = loops.value as? any AbstractEventLoop else { throw .noCurrentLoop }
        return loop
    }

    /// Sets the loop of the calling thread, and keeps it until another is set or the thread ends.
    public func setEventLoop(_ loop: (any AbstractEventLoop)?) {
        loops.value = loop
    }

    /// An ``EventLoop``: on the ring, or on a selector where there is no ring.
    public func newEventLoop() throws -> any AbstractEventLoop {
        try EventLoop()
    }
}
