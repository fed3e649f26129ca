/// A task as its loop's list of tasks sees it.
protocol RegisteredTask: AnyLoopTask {
    var loop: BaseEventLoop { get }

    /// Calls `body` in the turn after the task is done.
    func whenDone(_ body: @escaping () -> Void)
    /// The loop was closed: drops whatever waits for the task.
    func abandon()
}
