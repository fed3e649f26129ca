/// Lets one task of a loop at a time into what several use: asyncio's `Lock`.
///
/// Between two `await`s a task has the loop to itself, and needs no lock. One is for what must stay as it is across an `await`.
///
/// Who waits gets the lock in the order of coming; nobody overtakes. It is not reentrant: a task that holds it and asks for it
/// again waits for ever.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it. Between threads use `Synchronization.Mutex`.
///
/// ```swift
/// let lock = Lock()
/// try await lock.withLock {
///     let balance = try await account.balance()
///     try await account.setBalance(balance + 1)
/// }
/// ```
public final class Lock {
    @exclusivity(unchecked) private var binding = LoopBinding()
    @exclusivity(unchecked) private var isHeld = false
    private let waiters = WaitList()

    /// A lock that nobody holds.
    public init() {}

    /// Whether a task holds it.
    public var locked: Bool {
        binding.check("Lock.locked")
        return isHeld
    }

    /// Waits until nobody else holds the lock, and takes it. See ``withLock(_:)`` for the form that cannot forget to give it back.
    ///
    /// - Throws: `CancellationError` when the task is cancelled: it does not hold the lock then, and the next in the row gets it;
    ///   ``EventLoopError/noRunningLoop``.
    public nonisolated(nonsending) func acquire() async throws {
        let loop = try binding.use("Lock.acquire")
        try checkCancellation()
        guard isHeld else {
            precondition(waiters.isEmpty, "tasks wait for a lock that nobody holds")
            isHeld = true
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

    /// Gives the lock to whoever has waited for it longest.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when nobody holds it.
    public func release() throws(EventLoopError) {
        binding.check("Lock.release")
        guard isHeld else {
            throw .invalidState("a lock was released that nobody holds: each release needs its acquire")
        }
        handOn()
    }

    /// Runs `body` with the lock held, and gives it back however `body` ends.
    ///
    /// - Throws: what `body` throws, or as ``acquire()``.
    public nonisolated(nonsending) func withLock<Result>(
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await acquire()
        // Not `release`: the body may have given it back, which is its mistake, and told by the next release.
        defer { if isHeld { handOn() } }
        return try await body()
    }

    /// The lock passes to the next, and stays held, or is free.
    private func handOn() {
        precondition(isHeld, "a lock was handed on that nobody holds")
        isHeld = waiters.wakeFirst()
    }

    /// For ``Condition``, which must hold the lock again whatever happens.
    nonisolated(nonsending) func acquireRegardless(on loop: BaseEventLoop) async {
        if isHeld { await waiters.waitRegardless(on: loop) } else { isHeld = true }
    }

    /// For ``Condition``, which has looked whether it is held.
    func releaseHeld() { handOn() }
}

@available(*, unavailable)
extension Lock: Sendable {}
