import Synchronization

/// Holds up who comes to it until it is opened, and says when somebody has come.
public final class Gate: Sendable {
    private let arrivals = AsyncStream.makeStream(of: Void.self)
    private let opening = AsyncStream.makeStream(of: Void.self)

    public init() {}

    /// Waits until it is opened.
    public func pass() async {
        arrivals.continuation.yield()
        for await _ in opening.stream { break }
    }

    /// Waits until somebody has come.
    public func arrival() async {
        for await _ in arrivals.stream { break }
    }

    /// Lets one through, who has come or will.
    public func open() {
        opening.continuation.yield()
    }
}

/// Hands a value that is made elsewhere to a test.
public final class FirstValue<Value: Sendable>: Sendable {
    private let values = AsyncStream.makeStream(of: Value.self)

    public init() {}

    public func set(_ value: Value) { values.continuation.yield(value) }

    /// What was set, which may be still to come. Called once.
    public func get() async throws -> Value {
        for await value in values.stream { return value }
        throw CancellationError()
    }
}
