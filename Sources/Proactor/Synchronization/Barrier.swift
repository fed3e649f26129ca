/// Lets tasks of a loop go on together: each waits until a fixed number has come. asyncio's `Barrier`.
///
/// It can be used again: when a number is complete, whoever comes next begins another.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let start = try Barrier(parties: 3)
/// for name in ["red", "green", "blue"] {
///     loop.createTask {
///         let place = try await start.wait()
///         if place == 0 { print("all are there") }
///         race(name)
///     }
/// }
/// ```
public final class Barrier {
    /// What a waiter is woken with in place of a position.
    private static let brokenMark = -1

    /// How many tasks it takes.
    public let parties: Int
    @exclusivity(unchecked) private var binding = LoopBinding()
    @exclusivity(unchecked) private var isBroken = false
    private let waiters = WaitList()

    /// A barrier at which nobody waits.
    ///
    /// - Parameter parties: how many tasks it takes.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for fewer than one.
    public init(parties: Int) throws(EventLoopError) {
        guard parties >= 1 else {
            throw .invalidArgument("a barrier takes one party or more, not \(parties)")
        }
        self.parties = parties
    }

    /// How many tasks wait now.
    public var nWaiting: Int {
        binding.check("Barrier.nWaiting")
        return waiters.count
    }

    /// Whether it was aborted, and not reset since.
    public var broken: Bool {
        binding.check("Barrier.broken")
        return isBroken
    }

    /// Waits until ``parties`` tasks wait, this one among them. A task that is cancelled meanwhile does not count.
    ///
    /// - Returns: a number from zero to one below ``parties``, another one for each task: the order in which they came.
    /// - Throws: ``BrokenBarrierError`` when the barrier is broken or is reset meanwhile, `CancellationError` when the task is
    ///   cancelled, ``EventLoopError/noRunningLoop``.
    @discardableResult
    public nonisolated(nonsending) func wait() async throws -> Int {
        let loop = try binding.use("Barrier.wait")
        try checkCancellation()
        guard !isBroken else { throw BrokenBarrierError() }
        guard waiters.count < parties - 1 else {
            for position in 0..<parties - 1 { waiters.wakeFirst(with: position) }
            precondition(waiters.isEmpty, "more tasks wait at a barrier than it takes")
            return parties - 1
        }
        let (outcome, position) = await waiters.waitForValue(on: loop)
        guard outcome == .woken else { throw CancellationError() }
        guard position != Self.brokenMark else { throw BrokenBarrierError() }
        return position
    }

    /// Sends the tasks that wait away with a ``BrokenBarrierError``, and makes the barrier as good as new.
    public func reset() {
        binding.check("Barrier.reset")
        isBroken = false
        waiters.wakeAll(with: Self.brokenMark)
    }

    /// Sends the tasks that wait, and all who come later, away with a ``BrokenBarrierError``, until ``reset()``.
    public func abort() {
        binding.check("Barrier.abort")
        isBroken = true
        waiters.wakeAll(with: Self.brokenMark)
    }
}

@available(*, unavailable)
extension Barrier: Sendable {}
