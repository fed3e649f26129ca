/// Runs `body`, and cancels it when it takes longer than `delay`: asyncio's `timeout`.
///
/// The part runs as a child of the calling task, on the same loop. A result that it returns all the same counts, also when the
/// time was over by then; what it does before its first wait always does. A cancel of the calling task stays a cancel.
///
/// ```swift
/// let answer = try await timeout(.seconds(5)) { _ in try await queue.get() }
/// ```
///
/// - Parameters:
///   - delay: the time from now; `nil` is without limit, to be rescheduled perhaps.
///   - body: what has that time.
/// - Throws: ``TimeoutError`` when `body` was cancelled for it; otherwise what `body` throws;
///   ``EventLoopError/noRunningLoop``.
@inlinable
public nonisolated(nonsending) func timeout<Value>(
    _ delay: Duration?,
    _ body: nonisolated(nonsending) (Timeout) async throws -> Value
) async throws -> Value {
    var value: Value?
    try await runWithTimeout(delay) { scope in value = try await body(scope) }
    guard let value else { preconditionFailure("a part with a timeout ended without an outcome") }
    return value
}

/// As ``timeout(_:_:)``, up to an instant of the loop's clock: asyncio's `timeout_at`.
///
/// ```swift
/// let deadline = loop.time().advanced(by: .seconds(5))
/// try await timeout(at: deadline) { _ in try await connect() }
/// try await timeout(at: deadline) { _ in try await greet() }
/// ```
///
/// - Throws: as there.
@inlinable
public nonisolated(nonsending) func timeout<Value>(
    at deadline: LoopInstant?,
    _ body: nonisolated(nonsending) (Timeout) async throws -> Value
) async throws -> Value {
    var value: Value?
    try await runWithTimeout(at: deadline) { scope in value = try await body(scope) }
    guard let value else { preconditionFailure("a part with a timeout ended without an outcome") }
    return value
}

@usableFromInline
nonisolated(nonsending) func runWithTimeout(
    _ delay: Duration?,
    _ body: nonisolated(nonsending) (Timeout) async throws -> Void
) async throws {
    let loop = try loopToWaitOn()
    let now = loop.time()
    try await Timeout(loop: loop, start: now, deadline: delay.map { now.advanced(by: $0) }).run(body)
}

@usableFromInline
nonisolated(nonsending) func runWithTimeout(
    at deadline: LoopInstant?,
    _ body: nonisolated(nonsending) (Timeout) async throws -> Void
) async throws {
    let loop = try loopToWaitOn()
    try await Timeout(loop: loop, start: loop.time(), deadline: deadline).run(body)
}

/// Waits for a future or task, and cancels it when it takes longer than `timeout`: asyncio's `wait_for`. For an async function
/// use ``timeout(_:_:)``.
///
/// It returns when the future is done: a task that ends in its own time after a cancel is waited for. A result that it has by
/// then is returned. Cancelling the calling task cancels the future too.
///
/// ```swift
/// let answer = try await waitFor(loop.createTask { try await compute() }, timeout: .seconds(5))
/// ```
///
/// - Parameters:
///   - future: what is waited for.
///   - timeout: the time from now; `nil` is without limit.
/// - Throws: ``TimeoutError`` when it was cancelled for it; otherwise as ``Future/value()``.
public nonisolated(nonsending) func waitFor<Value>(_ future: Future<Value>, timeout: Duration?) async throws
    -> Value
{
    let loop = future.loop
    loop.checkThread("waitFor")
    guard let timeout else { return try await future.value() }
    var hasExpired = false
    let deadline = loop.time().advanced(by: timeout)
    let timer = loop.timers.insert(.callback { hasExpired = future.cancel() }, at: deadline)
    defer { timer.cancel() }
    do {
        return try await future.value()
    } catch is CancellationError where hasExpired && !Task.isCancelled {
        throw TimeoutError(timeout: timeout)
    }
}
