/// Sees to it that a ``ConcurrentFuture`` ends: the work that waits for the loop, or runs on it, holds the
/// ticket, and when a closing loop drops the work, the ticket goes with it.
final class ConcurrentTicket<Value>: Sendable {
    let future: ConcurrentFuture<Value>

    init(_ future: ConcurrentFuture<Value>) {
        self.future = future
    }

    deinit {
        future.finish(.failed(EventLoopError.closed))
    }
}
