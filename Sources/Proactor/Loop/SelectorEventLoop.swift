/// The event loop over epoll, poll or select.
///
/// See ``AbstractEventLoop`` for what it does. It works where io_uring does not, and as a measure for it.
///
/// ```swift
/// let loop = try SelectorEventLoop(selector: .epoll)
/// defer { try? loop.close() }
/// ```
public final class SelectorEventLoop: BaseEventLoop, @unchecked Sendable {
    /// What the loop waits with.
    public let selector: SelectorKind

    /// Makes a loop that waits with `selector`.
    ///
    /// - Throws: what could not be had for it, and why; mostly that no descriptor is left.
    public init(selector: SelectorKind = .epoll) throws(SelectorUnavailable) {
        self.selector = selector
        super.init(backend: try SelectorBackend(kind: selector), label: "proactor.\(selector)")
    }
}
