/// Something that runs in a turn of a loop.
///
/// `@unchecked Sendable`: a callback that crosses threads came in by `sending`, or touches the loop's own state only.
enum ReadyEntry: @unchecked Sendable {
    /// Nothing: it was cancelled, or has run.
    case empty
    /// A callback without a task's context.
    case callback(() throws -> Void)
    /// A callback that was scheduled within a task: the job of a task that carries the same task-local values.
    case contextCallback(UnownedJob)
    /// The job of one that was cancelled: its task ends only by running.
    case contextEnd(UnownedJob)
    /// A task that only lets others have their turn, and holds the waiter until it goes on. Not counted: so only callbacks are,
    /// and the queue needs not ask what it copies.
    case wake(Unmanaged<Waiter>)
    /// A step of a Swift task.
    case job(UnownedJob)
}
