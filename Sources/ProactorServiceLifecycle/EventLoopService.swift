#if ServiceLifecycle
    import Proactor
    import ServiceLifecycle
    import Synchronization

    /// A whole loop as a service: a `main` that runs on a loop and a thread of its own, as it would within `run`.
    ///
    /// - **Graceful shutdown** first stops the loop's servers, as `shutdownServers(timeout:)` with the service's `grace`. A `main` that
    ///   waits for its servers then returns by itself, and has what is left of the grace to clean up; after that, and at once when the
    ///   loop has no server, it is cancelled. A `CancellationError` that it throws then is no error.
    /// - **Cancelling** cancels `main` at once.
    /// - **What `main` throws** ends the service group, also what it throws after it was cancelled, as when it cannot clean up; only a
    ///   `CancellationError` is none then. When it returns by itself, the service has ended, which a service group takes for
    ///   an error unless told otherwise.
    ///
    /// Behind it everything on the loop ends, as behind `run`: tasks are cancelled, connections aborted, and the loop is closed.
    ///
    /// `main` sees the task-local values of the service: `withGracefulShutdownHandler` and `cancelWhenGracefulShutdown` work in it, and in
    /// the tasks and callbacks that it makes.
    ///
    /// Thread rule: any thread; `main` runs on the loop's.
    ///
    /// ```swift
    /// let service = EventLoopService(grace: .seconds(10)) {
    ///     let loop = try getRunningLoop()
    ///     let server = try await loop.createServer(host: "127.0.0.1", port: 8080) { Echo() }
    ///     try await server.serveForever()
    /// }
    /// ```
    public struct EventLoopService: Service {
        private let options: EventLoopGroupOptions
        private let grace: Duration
        private let main: @Sendable () async throws -> Void

        /// A service that makes a loop when it runs.
        ///
        /// - Parameters:
        ///   - name: what the loop's thread is called.
        ///   - grace: how long the loop's connections, and `main` after them, have when the service is shut down gracefully.
        ///   - makeLoop: makes the loop, on its thread; unless given, the policy is asked, by `newEventLoop()`.
        ///   - main: what runs on the loop.
        public init(
            name: String = "service",
            grace: Duration,
            makeLoop: (@Sendable () throws -> any AbstractEventLoop)? = nil,
            _ main: @escaping @Sendable () async throws -> Void
        ) {
            var options = EventLoopGroupOptions(loopCount: 1, name: name)
            if let makeLoop { options.makeLoop = { _ in try makeLoop() } }
            self.options = options
            self.grace = grace
            self.main = main
        }

        /// Makes the loop, runs `main` on it, and returns when the loop has ended.
        ///
        /// - Throws: what `main` throws, whether before or after it was cancelled; `EventLoopGroupError` when there can be no loop;
        ///   `CancellationError` when it was cancelled.
        public func run() async throws {
            let group = try EventLoopGroup(options)
            let failure = MainFailure()
            let result: Result<Void, any Error>
            do {
                result = .success(try await runMain(on: group, failure))
            } catch {
                result = .failure(error)
            }
            await group.shutdownGracefully(timeout: .zero)
            // Now `main` has ended: nobody waited for it from its cancel on.
            if let error = failure.error { throw error }
            try result.get()
        }

        private func runMain(on group: EventLoopGroup, _ failure: MainFailure) async throws {
            let (loop, main) = (group.loops[0], main)
            try await withThrowingTaskGroup(of: EndReason.self) { parts in
                parts.addTask {
                    try await loop.runCoroutineThreadSafe { try await failure.note { try await main() } }
                        .value()
                    return .over
                }
                parts.addTask {
                    try await gracefulShutdown()
                    try await stopServers(of: loop)
                    return .gracefulShutdown
                }
                defer { parts.cancelAll() }
                guard case .gracefulShutdown = try await parts.next() else { return }
                parts.cancelAll()
                do {
                    try await parts.waitForAll()
                } catch is CancellationError {
                    try Task.checkCancellation()
                }
            }
        }

        /// Returns when `main` is to be cancelled, unless it has returned by then.
        private func stopServers(of loop: any AbstractEventLoop) async throws {
            let grace = grace
            try await loop.runCoroutineThreadSafe {
                guard loop.hasOpenServers else { return }
                let begun = loop.time()
                try await loop.shutdownServers(timeout: grace)
                let left = grace - begun.duration(to: loop.time())
                if left > .zero { try await Proactor.sleep(for: left) }
            }.value()
        }
    }

    /// What `main` has thrown, but for a `CancellationError`.
    private final class MainFailure: Sendable {
        private let content = Mutex<(any Error)?>(nil)

        var error: (any Error)? { content.withLock { $0 } }

        func note(_ main: () async throws -> Void) async throws {
            do {
                try await main()
            } catch {
                if !(error is CancellationError) { content.withLock { $0 = error } }
                throw error
            }
        }
    }
#endif
