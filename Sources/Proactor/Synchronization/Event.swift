/// Tells any number of tasks of a loop that something has happened: asyncio's `Event`.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let ready = Event()
/// loop.createTask {
///     try await ready.wait()
///     print("ready")
/// }
/// ready.set()
/// ```
public final class Event {
    @exclusivity(unchecked) private var binding = LoopBinding()
    @exclusivity(unchecked) private var hasHappened = false
    private let waiters = WaitList()

    /// An event that has not happened.
    public init() {}

    /// Whether it has happened.
    public var isSet: Bool {
        binding.check("Event.isSet")
        return hasHappened
    }

    /// It has happened: every task that waits goes on, and whoever waits from now on does not, until ``clear()``.
    public func set() {
        binding.check("Event.set")
        guard !hasHappened else { return }
        hasHappened = true
        waiters.wakeAll()
    }

    /// From here on tasks wait for it again. Those that were woken before go on all the same.
    public func clear() {
        binding.check("Event.clear")
        hasHappened = false
    }

    /// Returns once it has happened: at once, if it has.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, ``EventLoopError/noRunningLoop``.
    public nonisolated(nonsending) func wait() async throws {
        let loop = try binding.use("Event.wait")
        try checkCancellation()
        guard !hasHappened else { return }
        guard await waiters.wait(on: loop) == .woken else { throw CancellationError() }
    }
}

@available(*, unavailable)
extension Event: Sendable {}
