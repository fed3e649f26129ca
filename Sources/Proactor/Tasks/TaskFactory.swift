/// Makes the tasks of a loop: set it as ``AbstractEventLoop/taskFactory`` to name, count or watch them.
///
/// ```swift
/// final class CountingFactory: TaskFactory {
///     var count = 0
///
///     func makeTask<Value>(
///         on loop: BaseEventLoop, name: String?, _ body: @escaping @isolated(any) () async throws -> Value
///     ) -> LoopTask<Value> {
///         count += 1
///         return LoopTask(on: loop, name: name ?? "counted-\(count)", body)
///     }
/// }
/// ```
public protocol TaskFactory: SendableMetatype {
    /// Starts `body` as a task of `loop`. Called on the loop's thread.
    func makeTask<Value>(
        on loop: BaseEventLoop,
        name: String?,
        _ body: @escaping @isolated(any) () async throws -> Value
    ) -> LoopTask<Value>
}
