/// A ``Barrier`` was reset or aborted: who waits at it cannot go on together.
///
/// ```swift
/// do {
///     try await barrier.wait()
/// } catch is BrokenBarrierError {
///     print("somebody gave up")
/// }
/// ```
public struct BrokenBarrierError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An error.
    public init() {}

    public var description: String { "the barrier is broken: it was aborted, or reset while tasks waited" }
}
