import SystemPackage

/// Why an executor did not run a piece of work.
///
/// ```swift
/// do {
///     try pool.submit { print("never printed") }
/// } catch ExecutorError.shutDown(let name) {
///     print("\(name) takes no more work")
/// }
/// ```
public enum ExecutorError: Error, Hashable, Sendable {
    /// The executor was shut down: it takes no more work.
    case shutDown(name: String)
    /// The system did not give the executor its first thread.
    case noThread(Errno)
    /// The executor took the work, and released it without running it.
    case workDropped
}

extension ExecutorError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .shutDown(let name): "the executor \(name) was shut down and takes no more work"
        case .noThread(let errno): "the executor could not start a thread: \(errno); see ulimit -u"
        case .workDropped: "the executor released the work without running it"
        }
    }
}
