/// A box that any thread may hold, and that only its loop's thread may open: how a transport is kept in an
/// actor or a registry and used from anywhere.
///
/// Opened on another thread, it ends the program with a message that says so. What is in it is released on
/// the loop's thread, as long as the loop is not closed.
///
/// ```swift
/// let connection = LoopBound(transport, of: loop)  // in connectionMade
/// // anywhere:
/// try connection.post { transport in transport.write("news\n") }
/// ```
public final class LoopBound<Value>: @unchecked Sendable {
    // The value is touched on the loop's thread only: every way to it checks that.
    private let loop: BaseEventLoop
    private let contents: LoopBoundContents<Value>

    /// Puts `value` in a box. On the loop's thread only.
    public init(_ value: Value, of loop: any AbstractEventLoop) {
        guard let loop = loop as? BaseEventLoop else {
            // Not a precondition: those lose their message in a release build.
            fatalError("LoopBound needs one of this library's event loops, not a \(type(of: loop))")
        }
        loop.checkThread("LoopBound.init")
        self.loop = loop
        contents = LoopBoundContents(value)
    }

    deinit {
        // It reaches only the loop's thread. If the loop is closed, or closes first, the contents go as they come.
        nonisolated(unsafe) let contents = contents
        if !loop.isOnLoopThread, loop.inbox.post(.callback { contents.release() }) { return }
        // What is in it may hold another box, and so on.
        guard ChainRelease.begin() else { return ChainRelease.keep(contents) }
        contents.release()
        ChainRelease.end()
    }

    /// The value. On the loop's thread only.
    public var value: Value {
        loop.checkThread("LoopBound.value")
        return contents.value
    }

    /// Calls `body` with the value. On the loop's thread only.
    public func withValue<Result, Failure: Error>(
        _ body: (Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        return try body(value)
    }

    /// Calls `body` with the value in the loop's next turn, from any thread. An error that it throws goes to
    /// the loop's exception handler.
    ///
    /// - Throws: ``EventLoopError/closed``.
    public func post(_ body: sending @escaping (Value) throws -> Void) throws(EventLoopError) {
        // It was sent here, and is called once, on the loop's thread.
        nonisolated(unsafe) let body = body
        try loop.callSoonThreadSafe { try body(self.value) }
    }

    /// Runs `body` with the value as a task on the loop, from anywhere, and returns what it returns.
    ///
    /// - Throws: what `body` throws, `CancellationError`, ``EventLoopError/closed``.
    public nonisolated(nonsending) func run<Result>(
        _ body: sending @escaping (Value) async throws -> sending Result
    ) async throws -> sending Result {
        // It was sent here, and is called once, on the loop's thread.
        nonisolated(unsafe) let body = body
        try checkCancellation()
        return try await loop.runCoroutineThreadSafe { try await body(self.value) }.value()
    }
}

/// What is in a ``LoopBound``: it outlives the box for as long as it takes to let go of it on the loop's thread.
final class LoopBoundContents<Value> {
    private var stored: Value?

    init(_ value: Value) {
        stored = value
    }

    var value: Value {
        guard let stored else { preconditionFailure("a box was opened after its contents were released") }
        return stored
    }

    /// Lets go of the value, whoever still holds this.
    func release() {
        stored = nil
    }
}
