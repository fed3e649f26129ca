import CPosix

/// Tells an object when the task that waits for it is cancelled: `withTaskCancellationHandler` for a wait, at a fraction of
/// its cost.
///
/// A task of the loop's is cancelled by the loop's own ``LoopTask/cancel()`` alone, which tells the wait itself. Only a child of it,
/// or a task that is not the loop's, needs a handler of the runtime's: to add one and to remove it takes the task's lock twice.
///
/// The handler's memory is on the task's own stack of memory. So whoever makes one removes it in the same function, before
/// it returns, holds the object meanwhile, and is not inlined into a function that may have memory of its own there.
struct CancellationHandler {
    private let handler: UnsafeMutableRawPointer?
    /// The task of the loop's that knows of the wait.
    private let task: (any RegisteredTask)?

    /// Calls `cancelWait()` of `wait` when the calling task is cancelled; at once, when it is already.
    @inline(__always)
    init(for wait: some CancellableWait) {
        // The wait's loop is held as long as somebody waits; to count a reference costs more than what is asked of it here.
        let known = Unmanaged.passUnretained(wait.loop)._withUnsafeGuaranteedRef { loop in
            Self.taskThatWaits(on: loop)
        }
        if let known {
            known.begin(wait)
            task = known
            handler = nil
            return
        }
        task = nil
        // Not retained: the caller holds it until the handler is removed.
        let object = Unmanaged<AnyObject>.passUnretained(wait).toOpaque()
        handler = cposix_add_cancellation_handler(tellWait, object)
    }

    /// The loop's task that keeps the waits of what runs now. None does so for an `async let` of the program's, or a task that is
    /// not the loop's.
    @inline(__always)
    private static func taskThatWaits(on loop: BaseEventLoop) -> (any RegisteredTask)? {
        guard let name = cposix_current_task().map({ UnsafeRawPointer($0) }) else { return nil }
        return loop.knownTasks.find(name) ?? taskNotKnown(name, on: loop)
    }

    @inline(never)
    private static func taskNotKnown(_ name: UnsafeRawPointer, on loop: BaseEventLoop) -> (
        any RegisteredTask
    )? {
        guard let task = CurrentTask.current?.task, task.loop === loop, task.runningTask == name else {
            return nil
        }
        loop.knownTasks.remember(task, as: name)
        return task
    }

    /// Returns when nobody is within the handler any more.
    @inline(__always)
    func remove() {
        if let task { task.endWait() } else { cposix_remove_cancellation_handler(handler) }
    }
}

private func tellWait(_ pointer: UnsafeMutableRawPointer?) {
    guard let pointer else { return }
    // The wait is held until its handler is removed, and the removal waits for the end of this call.
    let object = Unmanaged<AnyObject>.fromOpaque(pointer).takeUnretainedValue()
    guard let wait = object as? any CancellableWait else {
        preconditionFailure("a task's cancellation reached something that no task can wait for")
    }
    wait.waiterWasCancelled()
}
