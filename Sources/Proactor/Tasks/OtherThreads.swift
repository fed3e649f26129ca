/// Runs `work`, which may block, on a thread of the running loop's default executor, and returns its result: asyncio's `to_thread`.
/// The same as ``AbstractEventLoop/runInExecutor(_:_:)`` without an executor. Task-local values do not go along.
///
/// ```swift
/// let digest = try await toThread { slowDigest(of: bytes) }
/// ```
///
/// - Throws: what `work` throws, and as there; ``EventLoopError/noRunningLoop``.
public nonisolated(nonsending) func toThread<Value>(
    _ work: sending @escaping () throws -> sending Value
) async throws -> Value {
    try await loopToWaitOn().runInExecutor(nil, work)
}

/// What another loop works on, as a future of the running loop: asyncio's `wrap_future`. Cancelling it cancels the work.
///
/// asyncio's `ensure_future` has ``AbstractEventLoop/createTask(name:_:)`` for its twin: Swift tells an async function from a future
/// when the program is compiled, so there is nothing to find out.
///
/// ```swift
/// let answer = try wrapFuture(other.runCoroutineThreadSafe { try await compute() })
/// ```
///
/// - Throws: ``EventLoopError/noRunningLoop``.
public func wrapFuture<Value: Sendable>(_ future: ConcurrentFuture<Value>) throws(EventLoopError) -> Future<
    Value
> {
    try loopToWaitOn().createTask { try await future.value() }
}
