/// What a task waits for, and a cancel of the task ends.
protocol CancellableWait: AnyObject {
    /// The task that waits was cancelled. Called on any thread, within the life of a ``CancellationHandler``.
    func waiterWasCancelled()
}
