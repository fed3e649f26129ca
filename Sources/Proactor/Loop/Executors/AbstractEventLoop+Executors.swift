extension AbstractEventLoop {
    /// Runs `work` on the default executor and returns its result; see ``runInExecutor(_:_:)``.
    nonisolated(nonsending) public func runInExecutor<Value>(
        _ work: sending @escaping () throws -> sending Value
    ) async throws -> Value {
        try await runInExecutor(nil, work)
    }

    /// Hands `work` to the default executor and returns the future of its result; see
    /// ``startInExecutor(_:_:)``.
    public func startInExecutor<Value>(
        _ work: sending @escaping () throws -> sending Value
    ) throws -> Future<Value> {
        try startInExecutor(nil, work)
    }

    /// As ``shutdownDefaultExecutor(timeout:)``, and waits as long as the work takes.
    nonisolated(nonsending) public func shutdownDefaultExecutor() async throws {
        try await shutdownDefaultExecutor(timeout: nil)
    }
}
