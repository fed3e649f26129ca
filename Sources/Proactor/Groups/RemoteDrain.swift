/// A graceful stop on a loop, begun and waited for on other threads.
final class RemoteDrain: Sendable {
    private let loop: BaseEventLoop
    /// Done when it has come to its end, or its loop has.
    let future: ConcurrentFuture<ShutdownSummary>
    /// The stop itself, on the loop's thread.
    private let content = RemoteDrainContent()

    /// Begins to stop what `servers` returns on the loop.
    ///
    /// - Throws: ``EventLoopError/closed``.
    init(
        on loop: BaseEventLoop,
        timeout: Duration,
        servers: @escaping @Sendable (BaseEventLoop) -> [Server]
    ) throws(EventLoopError) {
        self.loop = loop
        let future = ConcurrentFuture<ShutdownSummary>(loop: loop)
        self.future = future
        // A loop that closes drops it, and the future fails.
        let ticket = ConcurrentTicket(future)
        let content = content
        try loop.callSoonThreadSafe {
            let drain = ServerDrain(servers(loop), of: loop)
            content.drain = drain
            drain.begin(timeout: timeout) { summary in
                ticket.future.finish(.succeeded(summary))
            }
        }
    }

    /// The summary of all of them, when the last is over; a loop that closes meanwhile counts for nothing. Cancelling
    /// the calling task cuts the time short, unless told otherwise.
    nonisolated(nonsending) static func summary(
        of drains: [RemoteDrain],
        isCutShortByCancel: Bool = true
    ) async -> ShutdownSummary {
        await withTaskCancellationHandler {
            var sum = ShutdownSummary()
            for drain in drains {
                if let summary = try? await drain.future.valueRegardless() { sum = sum + summary }
            }
            return sum
        } onCancel: {
            if isCutShortByCancel { for drain in drains { drain.cutShort() } }
        }
    }

    private func cutShort() {
        let content = content
        // A closed loop has no connection left.
        try? loop.callSoonThreadSafe { content.drain?.abortRest() }
    }
}

/// `@unchecked Sendable`: it is touched on the loop's thread only, elsewhere it is held.
private final class RemoteDrainContent: @unchecked Sendable {
    /// Held by the loop alone, whose servers and timers it waits for: with a loop that closes it goes, and its ticket with it.
    weak var drain: ServerDrain?
}
