/// A future or a task, whatever its value is: what can be asked and done without knowing the type.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// func giveUp(_ pending: [any AnyFuture]) {
///     for future in pending where !future.done { future.cancel() }
/// }
/// ```
public protocol AnyFuture: AnyObject {
    /// Whether there is an outcome: a result, an error or a cancellation.
    var done: Bool { get }
    /// Whether the outcome is a cancellation.
    var cancelled: Bool { get }

    /// Asks for cancellation. Returns false when there is an outcome already.
    @discardableResult
    func cancel() -> Bool

    /// The error, or `nil` after a success. Counts as having looked at the error.
    ///
    /// - Throws: `CancellationError` when it was cancelled, ``EventLoopError/invalidState(_:)`` when it is
    ///   not done.
    func exception() throws -> (any Error)?

    /// The loop that it belongs to. May be called from any thread.
    func getLoop() -> any AbstractEventLoop
}
