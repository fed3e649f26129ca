/// A task of an event loop, whatever its result is.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// for task in try allTasks() {
///     print(task.name, task.cancelling())
/// }
/// ```
public protocol AnyLoopTask: AnyFuture {
    /// The name that was given, or `Task-` and a number.
    var name: String { get }
    /// Gives the task another name.
    func setName(_ name: String)
    /// How often it was asked to cancel.
    func cancelling() -> Int
}
