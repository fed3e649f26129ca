/// Waits for all of several futures or tasks, and returns their results in the order of the futures: asyncio's `gather`.
///
/// The first error, or cancellation of one of them, is thrown at once; the others go on, and an error of theirs that nobody looks
/// at goes to the loop's exception handler. When the calling task is cancelled, all of them are, and are waited for.
///
/// To run async functions side by side, make tasks of them. They stay on the loop, so they may share what belongs to it, which
/// the child tasks of `async let` and task groups may not.
///
/// ```swift
/// let pages = try await gather(addresses.map { address in loop.createTask { try await fetch(address) } })
/// ```
///
/// - Throws: the first error; `CancellationError`; ``EventLoopError/invalidArgument(_:)`` for a future of another loop.
public nonisolated(nonsending) func gather<Value>(_ futures: [Future<Value>]) async throws -> [Value] {
    let wait = try await gathered(futures, until: .firstException)
    if let failed = wait.firstFailed { _ = try futures[failed].result() }
    return try futures.map { try $0.result() }
}

/// As ``gather(_:)-([Future<Value>])`` for futures of different kinds.
///
/// ```swift
/// let (user, orders) = try await gather(loop.createTask { try await user() }, loop.createTask { try await orders() })
/// ```
///
/// - Throws: as there.
public nonisolated(nonsending) func gather<each Value>(_ futures: repeat Future<each Value>) async throws -> (
    repeat each Value
) {
    // A future for the end of each, so that they are of one kind.
    var ends: [Future<Void>] = []
    var all: [any AnyFuture] = []
    repeat ends.append((each futures).endOfIt())
    repeat all.append(each futures)
    let wait = try await gathered(ends, until: .firstException) { for future in all { future.cancel() } }
    if let failed = wait.firstFailed { _ = try ends[failed].result() }
    return (repeat try (each futures).result())
}

/// Waits for all of several futures or tasks, however they end: `gather` with asyncio's `return_exceptions`. Errors count as
/// looked at.
///
/// ```swift
/// for result in try await gatherResults(downloads) {
///     if case .failure(let error) = result { print(error) }
/// }
/// ```
///
/// - Throws: `CancellationError` when the calling task is cancelled, and then all of them are;
///   ``EventLoopError/invalidArgument(_:)`` for a future of another loop.
public nonisolated(nonsending) func gatherResults<Value>(
    _ futures: [Future<Value>]
) async throws -> [Result<Value, any Error>] {
    _ = try await gathered(futures, until: .allCompleted)
    return futures.map { future in Result { try future.result() } }
}

/// Waits for futures or tasks until `condition` holds or the time is over, and returns those that are done and those that are not,
/// each in the order of `futures`: asyncio's `wait`.
///
/// It cancels none of them, also when the time is over or the calling task is cancelled, and throws no error of theirs.
///
/// ```swift
/// let (done, pending) = try await wait(mirrors, timeout: .seconds(2), returnWhen: .firstCompleted)
/// for task in pending { task.cancel() }
/// ```
///
/// - Parameters:
///   - futures: what is waited for, one at least.
///   - timeout: the time from now; `nil` is without limit.
///   - condition: what is waited for of them.
/// - Throws: `CancellationError`; ``EventLoopError/invalidArgument(_:)`` without futures, or for one of another loop.
public nonisolated(nonsending) func wait<Value>(
    _ futures: [Future<Value>],
    timeout: Duration? = nil,
    returnWhen condition: WaitCondition = .allCompleted
) async throws -> (done: [Future<Value>], pending: [Future<Value>]) {
    guard !futures.isEmpty else { throw EventLoopError.invalidArgument("wait was called without futures") }
    let loop = try loop(of: futures, "wait")
    try checkCancellation()
    let wait = FuturesWait(loop: loop, until: condition)
    wait.watch(futures)
    let isFulfilled = await wait.fulfilled(within: timeout)
    for future in futures where future.isPending { future.stopWatching(by: wait) }
    if !isFulfilled { try checkCancellation() }
    return (futures.filter { !$0.isPending }, futures.filter { $0.isPending })
}

/// Waits for a future or task that a cancel of the calling task shall not reach: asyncio's `shield`.
///
/// When the calling task is cancelled, this throws at once and the future goes on; if it fails then and nobody looks at its error,
/// that goes to the loop's exception handler. Keep a task that you shield, as long as you care for its result.
///
/// ```swift
/// let saving = loop.createTask { try await save() }
/// try await shield(saving)
/// ```
///
/// - Throws: the future's error; `CancellationError` when either was cancelled.
public nonisolated(nonsending) func shield<Value>(_ future: Future<Value>) async throws -> Value {
    let loop = try loop(of: [future], "shield")
    let wait = FuturesWait(loop: loop, until: .allCompleted)
    wait.watch([future])
    guard await wait.fulfilled() else {
        future.stopWatching(by: wait)
        throw CancellationError()
    }
    return try future.result()
}

// MARK: - Inside

private func loop<Value>(of futures: [Future<Value>], _ call: String) throws(EventLoopError) -> BaseEventLoop
{
    let loop = try loopToWaitOn()
    guard let stranger = futures.first(where: { $0.loop !== loop }) else { return loop }
    throw .invalidArgument("\(call) was given \(stranger), which belongs to another event loop")
}

/// Waits as `gather` does: a cancel of the calling task cancels all and waits for them.
private nonisolated(nonsending) func gathered<Value>(
    _ futures: [Future<Value>],
    until condition: WaitCondition,
    cancelAll: (() -> Void)? = nil
) async throws -> FuturesWait {
    let loop = try loop(of: futures, "gather")
    // A cancelled one has no result, so it counts here.
    let wait = FuturesWait(loop: loop, until: condition, countingCancelled: true)
    wait.watch(futures)
    guard await !wait.fulfilled() else { return wait }
    if let cancelAll { cancelAll() } else { for future in futures { future.cancel() } }
    await wait.allDone()
    throw CancellationError()
}

extension Future {
    /// Ends as this one does, and at the same moment; its error counts as looked at where it is.
    fileprivate func endOfIt() -> Future<Void> {
        let end = loop.createFuture()
        guard isPending else {
            end.follow(self)
            return end
        }
        watch(by: FutureEnd(self, end), number: 0)
        return end
    }

    fileprivate func follow<Other>(_ other: Future<Other>) where Value == Void {
        do {
            _ = try other.result()
            succeed(())
        } catch {
            fail(error)
        }
    }
}

/// Hands the end of a future on.
private final class FutureEnd<Value>: FutureWatcher {
    private unowned let future: Future<Value>
    private let end: Future<Void>

    init(_ future: Future<Value>, _ end: Future<Void>) {
        self.future = future
        self.end = end
    }

    override func futureEnded(_ number: Int, _ phase: FuturePhase) {
        if end.isPending { end.follow(future) }
    }
}
