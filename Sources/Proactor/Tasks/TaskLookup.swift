/// The task that runs now on `loop`, or `nil` in a plain callback. Child tasks see the task that they belong
/// to.
///
/// - Parameter loop: the loop that is asked; without it, the one that runs on this thread.
/// - Throws: ``EventLoopError/noRunningLoop`` without a loop.
public func currentTask(_ loop: (any AbstractEventLoop)? = nil) throws(EventLoopError) -> (any AnyLoopTask)? {
    let loop = try loopOrRunning(loop)
    guard let current = CurrentTask.current, current.task.loop === loop, current.task.loop.isOnLoopThread
    else {
        return nil
    }
    return current.task
}

/// The tasks of `loop` that are not done.
///
/// Thread rule: the loop's thread only.
///
/// - Parameter loop: the loop that is asked; without it, the one that runs on this thread.
/// - Throws: ``EventLoopError/noRunningLoop`` without a loop.
public func allTasks(_ loop: (any AbstractEventLoop)? = nil) throws(EventLoopError) -> [any AnyLoopTask] {
    guard let base = try loopOrRunning(loop) as? BaseEventLoop else { return [] }
    base.checkThread("allTasks")
    return base.tasks.all
}

private func loopOrRunning(
    _ loop: (any AbstractEventLoop)?
) throws(EventLoopError) -> any AbstractEventLoop {
    guard let loop else { return try getRunningLoop() }
    return loop
}

/// Which task of a loop runs, as a task-local value, so that the children of a task see it too.
struct CurrentTask: @unchecked Sendable {
    // Read on the loop's thread only: `currentTask` checks it.
    let task: any RegisteredTask

    @TaskLocal static var current: CurrentTask?
}
