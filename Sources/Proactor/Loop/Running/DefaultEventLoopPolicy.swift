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
    /// nobody closes. In a fork's child it is what was set there: a loop of its parent's is none.
    ///
    /// - Throws: ``EventLoopError/noCurrentLoop``.
    public func getEventLoop() throws(EventLoopError) -> any AbstractEventLoop {
        guard let current = loops.value as? CurrentLoop, current.process.isCurrent else {
            throw .noCurrentLoop
        }
        return current.loop
    }

    /// Sets the loop of the calling thread, and keeps it until another is set or the thread ends.
    public func setEventLoop(_ loop: (any AbstractEventLoop)?) {
        if let inherited = loops.value as? CurrentLoop, !inherited.process.isCurrent {
            // A loop of its parent's is not a child's to take apart: it stays.
            _ = Unmanaged.passRetained(inherited)
        }
        loops.value = loop.map(CurrentLoop.init)
    }

    /// An ``EventLoop``: on the ring, or on a selector where there is no ring.
    public func newEventLoop() throws -> any AbstractEventLoop {
        try EventLoop()
    }
}

/// The loop that was set on a thread.
private final class CurrentLoop {
    let process = ProcessOfOrigin()
    let loop: any AbstractEventLoop

    init(_ loop: any AbstractEventLoop) {
        self.loop = loop
    }
}
