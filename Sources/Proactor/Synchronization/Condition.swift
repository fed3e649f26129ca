/// A lock, and a way to wait until what it guards has changed: asyncio's `Condition`.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let condition = Condition()
/// // one task
/// try await condition.withLock {
///     try await condition.wait { !jobs.isEmpty }
///     work(on: jobs.removeFirst())
/// }
/// // another
/// try await condition.withLock {
///     jobs.append(job)
///     try condition.notify()
/// }
/// ```
public final class Condition {
    @exclusivity(unchecked) private var binding = LoopBinding()
    private let lock: Lock
    private let waiters = WaitList()

    /// A condition for which nobody waits.
    ///
    /// - Parameter lock: the lock of the condition; several conditions may share one. A new one unless given.
    public init(lock: Lock = Lock()) {
        self.lock = lock
    }

    /// Whether a task holds the lock.
    public var locked: Bool { lock.locked }

    /// Takes the lock, as ``Lock/acquire()``.
    public nonisolated(nonsending) func acquire() async throws {
        try await lock.acquire()
    }

    /// Gives the lock back, as ``Lock/release()``.
    public func release() throws(EventLoopError) {
        try lock.release()
    }

    /// Runs `body` with the lock held, as ``Lock/withLock(_:)``.
    public nonisolated(nonsending) func withLock<Result>(
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await lock.withLock(body)
    }

    /// Gives the lock back, waits to be notified, and takes the lock again. What the task waits for may not hold any more by
    /// then: look again, or use ``wait(until:)``.
    ///
    /// - Throws: `CancellationError` when the task is cancelled. It holds the lock then too, and a notification that it had
    ///   got goes to the next. ``EventLoopError/invalidState(_:)`` when the lock is not held, ``EventLoopError/noRunningLoop``.
    public nonisolated(nonsending) func wait() async throws {
        let loop = try binding.use("Condition.wait")
        guard lock.locked else { throw notHeld("wait") }
        try checkCancellation()
        lock.releaseHeld()
        let outcome = await waiters.wait(on: loop)
        await lock.acquireRegardless(on: loop)
        // A cancel that came while the lock was waited for counts too.
        guard outcome != .woken || Task.isCancelled else { return }
        if outcome != .cancelled { waiters.wakeFirst() }
        throw CancellationError()
    }

    /// Waits until `predicate` holds, which is looked at with the lock held: now, and after each notification.
    ///
    /// - Throws: as ``wait()``.
    public nonisolated(nonsending) func wait(until predicate: () -> Bool) async throws {
        while !predicate() { try await wait() }
    }

    /// Wakes up to `count` of the tasks that wait, those that have waited longest. They go on when they get the lock.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when the lock is not held.
    public func notify(_ count: Int = 1) throws(EventLoopError) {
        binding.check("Condition.notify")
        guard lock.locked else { throw notHeld("notify") }
        // Up to the first call that finds nobody.
        for _ in 0..<max(count, 0) where !waiters.wakeFirst() { return }
    }

    /// Wakes all tasks that wait.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when the lock is not held.
    public func notifyAll() throws(EventLoopError) {
        try notify(waiters.count)
    }

    private func notHeld(_ call: StaticString) -> EventLoopError {
        .invalidState("\(call) was called on a condition whose lock nobody holds: call it within withLock")
    }
}

@available(*, unavailable)
extension Condition: Sendable {}
