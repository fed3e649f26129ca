/// The system call by which a selector loop waits for its descriptors.
///
/// All three work for any number of descriptors. What a wait costs grows with the ready descriptors for ``epoll``, and
/// with the watched ones for ``poll`` and ``select``.
///
/// ```swift
/// let loop = try SelectorEventLoop(selector: .epoll)
/// ```
public enum SelectorKind: Hashable, Sendable, CaseIterable {
    /// epoll(7), level-triggered: the one to use.
    case epoll
    /// ppoll(2).
    case poll
    /// pselect(2). The bit sets grow with the descriptors: `FD_SETSIZE` is no limit of the kernel's, and none here.
    case select
}
