/// A ``Semaphore`` that never has more permits than it began with: a release too many is an error. asyncio's `BoundedSemaphore`.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let seats = try BoundedSemaphore(2)
/// try await seats.withPermit { try await serve() }
/// ```
public final class BoundedSemaphore {
    private let semaphore: Semaphore
    private let bound: Int

    /// A semaphore with `value` permits, and never more.
    ///
    /// - Parameter value: how many permits there are.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for fewer than none.
    public init(_ value: Int = 1) throws(EventLoopError) {
        semaphore = try Semaphore(value)
        bound = value
    }

    /// Whether a task that asked now would have to wait.
    public var locked: Bool { semaphore.locked }

    /// As ``Semaphore/acquire()``.
    public nonisolated(nonsending) func acquire() async throws {
        try await semaphore.acquire()
    }

    /// Gives a permit back, to whoever has waited longest.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when nobody holds one.
    public func release() throws(EventLoopError) {
        guard semaphore.available < bound else {
            throw .invalidState(
                "a permit was released that nobody holds: the semaphore has all of its \(bound)"
            )
        }
        semaphore.release()
    }

    /// As ``Semaphore/withPermit(_:)``.
    public nonisolated(nonsending) func withPermit<Result>(
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await semaphore.withPermit(body)
    }
}

@available(*, unavailable)
extension BoundedSemaphore: Sendable {}
