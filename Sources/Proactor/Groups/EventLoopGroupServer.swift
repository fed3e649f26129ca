/// A server that is spread over the loops of a group: see ``EventLoopGroup/createServer(_:spreading:protocolFactory:)``.
///
/// Thread rule: any thread.
///
/// ```swift
/// let server = try await group.createServer(options) { Echo() }
/// print("listening at port \(server.port ?? 0)")
/// await server.shutdownGracefully(timeout: .seconds(10))
/// ```
public final class EventLoopGroupServer: Sendable {
    /// The addresses at which it listens, ports included.
    public let addresses: [SocketAddress]
    let servers: [LoopBound<Server>]
    let loops: [BaseEventLoop]
    private let state = ThreadLock(State())

    private struct State: Sendable {
        var isPaused = false
        /// Whether a task is within ``EventLoopGroupServer/serve(until:grace:)``.
        var isServed = false
    }

    init(servers: [LoopBound<Server>], loops: [BaseEventLoop], addresses: [SocketAddress]) {
        precondition(servers.count == loops.count, "a spread server needs a part for each loop")
        self.servers = servers
        self.loops = loops
        self.addresses = addresses
    }

    /// The port of the first address.
    public var port: UInt16? { addresses.first?.port }

    /// Begins to accept on every loop. Does nothing where it does already.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when the server is closed, ``SocketError`` when a socket cannot
    ///   listen, ``EventLoopError/closed`` after the group's shutdown.
    public nonisolated(nonsending) func startServing() async throws {
        // Last the first, which may accept for all of them.
        for server in servers.reversed() { try await server.run { try $0.startServing() } }
    }

    func beginServing() throws(EventLoopError) {
        let wasServed = state.withLock { state in
            defer { state.isServed = true }
            return state.isServed
        }
        guard !wasServed else { throw .invalidState("serve runs already") }
    }

    func endServing() {
        state.withLock { $0.isServed = false }
    }

    /// Accepts no more on any loop, soon, until ``resumeAccepting()``: see ``Server/pauseAccepting()``. The connections that it has go
    /// on. Does nothing the second time.
    public func pauseAccepting() {
        setPaused(true)
    }

    /// Accepts again, soon, after ``pauseAccepting()``, those who have waited first.
    public func resumeAccepting() {
        setPaused(false)
    }

    /// Whether ``pauseAccepting()`` was called last.
    public var isAcceptingPaused: Bool { state.withLock { $0.isPaused } }

    private func setPaused(_ pauses: Bool) {
        // Within the lock: of two threads that disagree, every loop hears the same one last.
        state.withLock { state in
            state.isPaused = pauses
            for server in servers {
                try? server.post { pauses ? $0.pauseAccepting() : $0.resumeAccepting() }
            }
        }
    }

    /// Stops accepting on every loop, soon. Connections live on. Does nothing the second time.
    public func close() {
        // A loop that is closed has closed its part.
        for server in servers { try? server.post { $0.close() } }
    }

    /// Closes, soon, every connection that it accepted, as `transport.close()`.
    public func closeClients() {
        for server in servers { try? server.post { $0.closeClients() } }
    }

    /// Aborts, soon, every connection that it accepted, as `transport.abort()`.
    public func abortClients() {
        for server in servers { try? server.post { $0.abortClients() } }
    }

    /// Returns when the server is closed and the last of its connections, on any loop, is lost.
    ///
    /// - Throws: `CancellationError`; ``EventLoopError/closed`` when the group is shut down first.
    public nonisolated(nonsending) func waitClosed() async throws {
        try checkCancellation()
        for server in servers { try await server.run { try await $0.waitClosed() } }
    }

    /// Stops gracefully on every loop at the same time, as ``Server/shutdownGracefully(timeout:)`` on one. The loops run
    /// on.
    ///
    /// - Parameter timeout: how long connections have.
    /// - Returns: how many connections of all loops ended in time, and how many were aborted.
    @discardableResult
    public nonisolated(nonsending) func shutdownGracefully(timeout: Duration) async -> ShutdownSummary {
        await drain(timeout: timeout, isCutShortByCancel: true)
    }

    @discardableResult
    nonisolated(nonsending) func drain(timeout: Duration, isCutShortByCancel: Bool) async -> ShutdownSummary {
        let drains = zip(loops, servers).compactMap { loop, server in
            try? RemoteDrain(on: loop, timeout: timeout) { _ in [server.value] }
        }
        return await RemoteDrain.summary(of: drains, isCutShortByCancel: isCutShortByCancel)
    }
}
