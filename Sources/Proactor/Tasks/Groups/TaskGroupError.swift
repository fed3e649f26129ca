/// What went wrong in a group of tasks: the errors of all that failed, in the order in which they did. asyncio's `ExceptionGroup`.
///
/// ```swift
/// do {
///     try await withLoopTaskGroup { group in try group.createTask { try await work() } }
/// } catch let error as TaskGroupError {
///     for error in error.errors { print(error) }
/// }
/// ```
public struct TaskGroupError: Error, CustomStringConvertible {
    /// At least one.
    public let errors: [any Error]

    init(errors: [any Error]) {
        self.errors = errors
    }

    public var description: String {
        let texts = errors.map { "\($0)" }.joined(separator: "; ")
        return errors.count == 1
            ? "a task of a group failed: \(texts)" : "\(errors.count) tasks of a group failed: \(texts)"
    }
}
