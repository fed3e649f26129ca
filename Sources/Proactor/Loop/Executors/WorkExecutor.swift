/// Runs work that would block an event loop, on threads of its own. ``ThreadPool`` is the usual one.
///
/// It has nothing to do with Swift's `Executor`, which runs the steps of tasks. Thread rule: any thread.
///
/// ```swift
/// final class Dispatcher: WorkExecutor {
///     let queue = DispatchQueue(label: "blocking", attributes: .concurrent)
///     let group = DispatchGroup()
///
///     func submit(_ work: @escaping @Sendable () -> Void) {
///         queue.async(group: group, execute: work)
///     }
///
///     func shutdown(whenDone: @escaping @Sendable () -> Void) {
///         group.notify(queue: queue, execute: whenDone)
///     }
/// }
/// ```
public protocol WorkExecutor: AnyObject, Sendable {
    /// Takes work, runs it once, and returns without waiting for it. Work that is released without having run
    /// fails with ``ExecutorError/workDropped``.
    ///
    /// - Throws: whatever keeps the work from being run, ``ExecutorError/shutDown(name:)`` after a shutdown.
    func submit(_ work: @escaping @Sendable () -> Void) throws

    /// Takes no more work from here on, and returns without waiting. What was taken before still runs; after
    /// the last of it `whenDone` is called, once, on any thread. A second shutdown does the same with its own
    /// `whenDone`.
    func shutdown(whenDone: @escaping @Sendable () -> Void)
}

extension WorkExecutor {
    /// Takes no more work, and does not wait for what was taken before.
    public func shutdown() {
        shutdown(whenDone: {})
    }
}
