/// The time that a part of a task has: asyncio's `Timeout`. ``timeout(_:_:)`` hands it to the part.
///
/// Thread rule: the loop's thread only. It is of use within the part only.
///
/// ```swift
/// try await timeout(.seconds(10)) { scope in
///     for request in requests {
///         try await answer(request)
///         // Each request has ten seconds of its own.
///         try scope.reschedule(to: loop.time().advanced(by: .seconds(10)))
///     }
/// }
/// ```
public final class Timeout: CancelScope {
    private enum Phase {
        /// The part has not begun: the clock does not run yet.
        case notBegun
        case running
        case expired
        /// The part has ended in time.
        case over
    }

    let loop: BaseEventLoop
    @exclusivity(unchecked) var part = CancellablePart()
    private let start: LoopInstant
    private var deadline: LoopInstant?
    private var phase = Phase.notBegun
    private var timer: TimerHandle?

    init(loop: BaseEventLoop, start: LoopInstant, deadline: LoopInstant?) {
        self.loop = loop
        self.start = start
        self.deadline = deadline
    }

    /// When the time is over, on the loop's clock; `nil` is never.
    public var when: LoopInstant? {
        loop.checkThread("Timeout.when")
        return deadline
    }

    /// Whether the time was over before the part ended.
    public var expired: Bool {
        loop.checkThread("Timeout.expired")
        return phase == .expired
    }

    /// Sets another end of the time. One that has passed ends the part at its next wait.
    ///
    /// - Parameter deadline: an instant of the loop's clock; `nil` is never.
    /// - Throws: ``EventLoopError/invalidState(_:)`` when the time is over, or the part.
    public func reschedule(to deadline: LoopInstant?) throws(EventLoopError) {
        loop.checkThread("Timeout.reschedule")
        switch phase {
        case .notBegun: break
        case .running: timer?.cancel()
        case .expired: throw .invalidState("a timeout cannot be rescheduled: its time is over")
        case .over: throw .invalidState("a timeout cannot be rescheduled: the part that it was for has ended")
        }
        self.deadline = deadline
        if phase == .running { arm() }
    }

    /// Runs the part, and throws what it throws, or a ``TimeoutError``.
    ///
    /// Not for any result's type: a caller's own code keeps the result, and knows it.
    nonisolated(nonsending) func run(
        _ body: nonisolated(nonsending) (Timeout) async throws -> Void
    ) async throws {
        let error = await runPart(body)
        timer?.cancel()
        let hasExpired = phase == .expired
        if !hasExpired { phase = .over }
        guard let error else { return }
        guard hasExpired, error is CancellationError, !Task.isCancelled else { throw error }
        throw TimeoutError(timeout: start.duration(to: deadline ?? start))
    }

    /// What the part does before its first wait is in time, whatever the deadline.
    func partBegan() {
        phase = .running
        arm()
    }

    private func arm() {
        timer = deadline.map { deadline in
            // Not by callAt, which would carry the task's context along.
            loop.timers.insert(.callback { self.expire() }, at: deadline)
        }
    }

    private func expire() {
        precondition(phase == .running, "a timeout expired that nobody waits for")
        phase = .expired
        cancelPart()
    }
}

@available(*, unavailable)
extension Timeout: Sendable {}
