/// Runs an async program: makes a loop, runs `body` on it, cancels the tasks that are left, and closes the
/// loop.
///
/// ```swift
/// try run {
///     let server = try await getRunningLoop().createServer(host: "localhost", port: 8080) { Echo() }
///     try await server.serveForever()
/// }
/// ```
///
/// - Throws: what `body` throws, ``EventLoopError/anotherLoopIsRunning`` within a running loop, or what makes
///   the loop impossible.
@discardableResult
public func run<Value>(
    options: RunnerOptions = RunnerOptions(),
    _ body: sending @escaping @isolated(any) () async throws -> Value
) throws -> Value {
    let runner = Runner(options: options)
    let value: Value
    do {
        value = try runner.run(body)
    } catch {
        // The program's own error says more than one of the clean-up.
        try? runner.close()
        throw error
    }
    try runner.close()
    return value
}
