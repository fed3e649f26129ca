import SystemPackage

/// Why this process cannot have a loop over a selector: what was being made for it, and the system's error.
///
/// ```swift
/// do {
///     let loop = try SelectorEventLoop(selector: .epoll)
///     defer { try? loop.close() }
/// } catch {
///     print(error.description)  // says what to change
/// }
/// ```
public struct SelectorUnavailable: Error, Hashable, Sendable {
    /// What was tried.
    public enum Operation: String, Hashable, Sendable {
        /// Making the eventfd by which other threads wake the loop.
        case makeWaker = "making the eventfd"
        /// Making the selector. Only ``SelectorKind/epoll`` has a descriptor of its own.
        case makeSelector = "making the selector"
        /// Having the selector watch the eventfd.
        case watchWaker = "watching the eventfd"
    }

    /// What was tried.
    public let operation: Operation
    /// The system's reason.
    public let errno: Errno
    /// What the loop was to wait with.
    public let selector: SelectorKind

    /// An error with all its parts.
    public init(_ operation: Operation, _ errno: Errno, selector: SelectorKind) {
        self.operation = operation
        self.errno = errno
        self.selector = selector
    }
}

extension SelectorUnavailable: FailedCall, CustomStringConvertible {
    public var description: String { message }

    var attempt: String { "\(operation.rawValue) of a loop over \(selector)" }

    var advice: String? {
        switch errno {
        case .noMemory: "look at ulimit -v and the control group's limit"
        case .noSpace:
            "the user's descriptors in epoll are at their limit: raise the sysctl fs.epoll.max_user_watches"
        default: nil
        }
    }
}
