import Glibc
import SystemPackage

/// The best event loop that this machine has: over io_uring, or over epoll where rings are missing or forbidden.
///
/// See ``AbstractEventLoop`` for what it does, and ``choice`` for which it became and why.
///
/// The environment variable `PROACTOR_LOOP` chooses instead where it is set, to compare loops or to work around one: `ring` means
/// the ring or an error, `epoll`, `poll` and `select` that selector.
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
        /// One over the selector that `PROACTOR_LOOP` asks for.
        case requestedSelector(SelectorKind)
    }

    /// Which loop it became.
    public let choice: Choice

    /// Makes a loop. Without a ring it logs one line that says why.
    ///
    /// - Throws: ``RingUnavailable`` for reasons that a selector would meet as well, such as a full table of descriptors;
    ///   ``SelectorUnavailable`` when a selector cannot be had either; ``EventLoopError/invalidArgument(_:)`` when `PROACTOR_LOOP`
    ///   names no loop.
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
        switch try LoopRequest.fromEnvironment() {
        case nil: break
        case .ring: return (try UringBackend(configuration: configuration), .ring)
        case .selector(let kind): return (try SelectorBackend(kind: kind), .requestedSelector(kind))
        }
        do {
            return (try UringBackend(configuration: configuration), .ring)
        } catch let reason where reason.permitsFallback {
            return (try SelectorBackend(kind: .epoll), .selector(.epoll, reason: reason))
        }
    }
}

/// A loop that the environment variable `PROACTOR_LOOP` asks for.
enum LoopRequest: Equatable {
    case ring
    case selector(SelectorKind)

    /// `nil` when it is not set, or empty.
    static func fromEnvironment() throws(EventLoopError) -> LoopRequest? {
        guard let value = getenv("PROACTOR_LOOP") else { return nil }
        return try LoopRequest(named: String(cString: value))
    }

    init?(named name: String) throws(EventLoopError) {
        switch name {
        case "": return nil
        case "ring": self = .ring
        case "epoll": self = .selector(.epoll)
        case "poll": self = .selector(.poll)
        case "select": self = .selector(.select)
        default:
            throw .invalidArgument(
                "the environment variable PROACTOR_LOOP is '\(name)': set it to ring, epoll, poll or select, or not at all"
            )
        }
    }
}
