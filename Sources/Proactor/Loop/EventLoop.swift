import SystemPackage

/// The best event loop that this machine has: over io_uring, or over epoll where rings are missing or forbidden.
///
/// See ``AbstractEventLoop`` for what it does, and ``choice`` for which it became and why.
///
/// ```swift
/// let loop = try EventLoop()
/// if case .selector(_, let reason) = loop.choice { print("no ring: \(reason)") }
/// ```
public final class EventLoop: BaseEventLoop, @unchecked Sendable {
    /// Which loop it became.
    public enum Choice: Hashable, Sendable {
        /// One over io_uring.
        case ring
        /// One over a selector, and why there is no ring.
        case selector(SelectorKind, reason: RingUnavailable)
    }

    /// Which loop it became.
    public let choice: Choice

    /// Makes a loop. Without a ring it logs one line that says why.
    ///
    /// - Throws: ``RingUnavailable`` for reasons that a selector would meet as well, such as a full table of descriptors;
    ///   `Errno` when a selector cannot be had either.
    public init(configuration: RingConfiguration = RingConfiguration()) throws {
        let (backend, choice) = try Self.chooseBackend(configuration)
        self.choice = choice
        super.init(backend: backend, label: "proactor")
        if case .selector(let selector, let reason) = choice {
            logger.notice("using \(selector) instead of io_uring: \(reason)")
        }
    }

    private static func chooseBackend(_ configuration: RingConfiguration) throws -> (any CompletionBackend, Choice) {
        switch Result(catching: { () throws(RingUnavailable) in try UringBackend(configuration: configuration) }) {
        case .success(let ring):
            return (ring, .ring)
        case .failure(let reason):
            guard reason.permitsFallback else { throw reason }
            return (try SelectorBackend(kind: .epoll), .selector(.epoll, reason: reason))
        }
    }
}
