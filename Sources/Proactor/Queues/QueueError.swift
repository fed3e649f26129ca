/// What a ``Queue`` refuses, and why.
///
/// ```swift
/// do {
///     try queue.putNoWait(request)
/// } catch QueueError.full {
///     reject(request)
/// }
/// ```
public enum QueueError: Error, Hashable, Sendable {
    /// There is nothing to get now: `get()` waits for it.
    case empty
    /// There is no free place now: `put(_:)` waits for one.
    case full
    /// The queue was shut down.
    case shutDown
    /// `taskDone()` was called more often than elements were put.
    case doneTooOften
}

extension QueueError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "the queue is empty: await get() to wait for an element"
        case .full: "the queue is full: await put() to wait for a free place"
        case .shutDown: "the queue was shut down"
        case .doneTooOften: "taskDone was called more often than elements were put into the queue"
        }
    }
}
