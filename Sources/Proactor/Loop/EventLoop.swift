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
    ///   ``SelectorUnavailable`` when a selector cannot be had either.
    public convenience init(configuration: RingConfiguration = RingConfiguration()) throws {
        let (backend, choice) = try Self.chooseBackend(configuration)
        self.init(backend: backend, choice: choice)
    }

    private init(backend: any CompletionBackend, choice: Choice) {
        self.choice = choice
        super.init(backend: backend, label: "proactor")
        if case .selector(let selector, let reason) = choice {
            logger.notice("using \(selector) instead of io_uring: \(reason)")
        }
    }

    private static func chooseBackend(
        _ configuration: RingConfiguration
    ) throws -> (any CompletionBackend, Choice) {
        do {
            return (try UringBackend(configuration: configuration), .ring)
        } catch let reason where reason.permitsFallback {
            return (try SelectorBackend(kind: .epoll), .selector(.epoll, reason: reason))
        }
    }
}
