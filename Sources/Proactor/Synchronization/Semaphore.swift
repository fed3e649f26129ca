/// Lets a number of tasks of a loop at a time into something: asyncio's `Semaphore`.
///
/// Who waits gets in in the order of coming; nobody overtakes.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let downloads = try Semaphore(10)
/// for url in urls {
///     loop.createTask { try await downloads.withPermit { try await fetch(url) } }
/// }
/// ```
public final class Semaphore {
    @exclusivity(unchecked) private var binding = LoopBinding()
    @exclusivity(unchecked) private var permits: Int
    private let waiters = WaitList()

    /// A semaphore with `value` permits.
    ///
    /// - Parameter value: how many permits there are to begin with; none is allowed.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for fewer than none.
    public init(_ value: Int = 1) throws(EventLoopError) {
        guard value >= 0 else {
            throw .invalidArgument("a semaphore begins with zero permits or more, not with \(value)")
        }
        permits = value
    }

    /// Whether a task that asked now would have to wait.
    public var locked: Bool {
        binding.check("Semaphore.locked")
        return permits == 0
    }

    /// Permits that nobody holds.
    var available: Int { permits }

    /// Waits for a permit and takes it. See ``withPermit(_:)`` for the form that cannot forget to give it back.
    ///
    /// - Throws: `CancellationError` when the task is cancelled: it holds no permit then, and the next in the row gets it;
    ///   ``EventLoopError/noRunningLoop``.
    public nonisolated(nonsending) func acquire() async throws {
        let loop = try binding.use("Semaphore.acquire")
        try checkCancellation()
        guard permits == 0 else {
            precondition(waiters.isEmpty, "tasks wait for a permit while there is one")
            permits -= 1
            return
        }
        switch await waiters.wait(on: loop) {
        case .woken: break
        case .cancelled: throw CancellationError()
        case .wokenAndCancelled:
            handOn()
            throw CancellationError()
        }
    }

    /// Gives a permit back, or adds one: to whoever has waited longest.
    public func release() {
        binding.check("Semaphore.release")
        handOn()
    }

    /// Runs `body` with a permit, and gives it back however `body` ends.
    ///
    /// - Throws: what `body` throws, or as ``acquire()``.
    public nonisolated(nonsending) func withPermit<Result>(
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await acquire()
        defer { handOn() }
        return try await body()
    }

    private func handOn() {
        if !waiters.wakeFirst() { permits += 1 }
    }
}

@available(*, unavailable)
extension Semaphore: Sendable {}
