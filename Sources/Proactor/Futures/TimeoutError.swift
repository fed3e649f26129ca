/// Something took longer than it was given.
///
/// ```swift
/// do {
///     let answer = try work.result(timeout: .seconds(1))
/// } catch let error as TimeoutError {
///     print(error)
/// }
/// ```
public struct TimeoutError: Error, Hashable, Sendable, CustomStringConvertible {
    /// How long it was given.
    public let timeout: Duration

    /// An error for something that was given `timeout`.
    public init(timeout: Duration) {
        self.timeout = timeout
    }

    public var description: String { "not done within \(timeout)" }
}
