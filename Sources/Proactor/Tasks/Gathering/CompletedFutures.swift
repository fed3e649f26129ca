import DequeModule

/// Futures or tasks in the order in which they end: asyncio's `as_completed`. See ``asCompleted(_:timeout:)``.
///
/// Thread rule: the loop's thread only. One task iterates, once.
///
/// ```swift
/// for try await download in asCompleted(downloads) {
///     print(try download.result())
/// }
/// ```
public struct CompletedFutures<Value>: AsyncSequence {
    fileprivate let source: CompletionSource<Value>

    public func makeAsyncIterator() -> Iterator { Iterator(source: source) }

    /// The iteration.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let source: CompletionSource<Value>

        /// Waits for the next future that is done; `nil` when all were.
        public mutating func next() async throws -> Future<Value>? {
            try await next(isolation: #isolation)
        }

        /// Waits for the next future that is done; `nil` when all were.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Future<Value>? {
            try await source.next()
        }
    }
}

@available(*, unavailable)
extension CompletedFutures: Sendable {}

@available(*, unavailable)
extension CompletedFutures.Iterator: Sendable {}

/// The futures in the order in which they end, for a `for try await` loop. Those that are done already come first, in their order.
///
/// Nothing is cancelled when the loop is left early, when the time is over, or when its task is cancelled.
///
/// - Parameters:
///   - futures: what is waited for.
///   - timeout: the time from now for all of them; `nil` is without limit. When it is over, the iteration throws
///     ``TimeoutError``.
/// - Throws: ``EventLoopError/noRunningLoop``; ``EventLoopError/invalidArgument(_:)`` for a future of another loop.
public func asCompleted<Value>(
    _ futures: [Future<Value>],
    timeout: Duration? = nil
) throws(EventLoopError) -> CompletedFutures<Value> {
    let loop = try loopToWaitOn()
    if let stranger = futures.first(where: { $0.loop !== loop }) {
        throw .invalidArgument("asCompleted was given \(stranger), which belongs to another event loop")
    }
    let source = CompletionSource(futures, loop: loop)
    source.begin(timeout: timeout)
    return CompletedFutures(source: source)
}

private final class CompletionSource<Value> {
    private let loop: BaseEventLoop
    private let futures: [Future<Value>]
    /// Which are done and were not handed out.
    private var ended: Deque<Int> = []
    private var remaining: Int
    private var timeout: Duration?
    private var hasExpired = false
    private var timer: TimerHandle?
    private let tasks = WaitList()

    init(_ futures: [Future<Value>], loop: BaseEventLoop) {
        self.futures = futures
        self.loop = loop
        remaining = futures.count
    }

    func begin(timeout: Duration?) {
        let relay = CompletionRelay { [weak self] number in self?.futureEnded(number) }
        for (number, future) in futures.enumerated() {
            if future.isPending { future.watch(by: relay, number: number) } else { ended.append(number) }
        }
        self.timeout = timeout
        guard let timeout, ended.count < futures.count else { return }
        let deadline = loop.time().advanced(by: timeout)
        timer = loop.timers.insert(
            .callback { [weak self] in
                self?.hasExpired = true
                self?.tasks.wakeAll()
            },
            at: deadline
        )
    }

    private func futureEnded(_ number: Int) {
        ended.append(number)
        tasks.wakeFirst()
        if ended.count == remaining { timer?.cancel() }
    }

    nonisolated(nonsending) func next() async throws -> Future<Value>? {
        loop.checkThread("CompletedFutures.Iterator.next")
        try checkCancellation()
        guard remaining > 0 else { return nil }
        while ended.isEmpty {
            if hasExpired, let timeout { throw TimeoutError(timeout: timeout) }
            guard await tasks.wait(on: loop) == .woken else { throw CancellationError() }
        }
        remaining -= 1
        return futures[ended.removeFirst()]
    }
}

/// Stands between the futures and who holds them, so that they do not hold each other.
private final class CompletionRelay: FutureWatcher {
    private let ended: (Int) -> Void

    init(_ ended: @escaping (Int) -> Void) {
        self.ended = ended
    }

    override func futureEnded(_ number: Int, _ phase: FuturePhase) {
        ended(number)
    }
}
