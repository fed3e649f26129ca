/// Which loop a thread has, and what a new one is. Replace it to run a program on a loop of another kind
/// without changing the program.
///
/// ```swift
/// final class PollPolicy: EventLoopPolicy {
///     let standard = DefaultEventLoopPolicy()
///
///     func getEventLoop() throws(EventLoopError) -> any AbstractEventLoop { try standard.getEventLoop() }
///     func setEventLoop(_ loop: (any AbstractEventLoop)?) { standard.setEventLoop(loop) }
///     func newEventLoop() throws -> any AbstractEventLoop {
///         try SelectorEventLoop(selector: .poll)
///     }
/// }
///
/// setEventLoopPolicy(PollPolicy())
/// ```
public protocol EventLoopPolicy: AnyObject, Sendable {
    /// The current loop of the calling thread.
    ///
    /// - Throws: ``EventLoopError/noCurrentLoop`` when none was set.
    func getEventLoop() throws(EventLoopError) -> any AbstractEventLoop
    /// Sets the current loop of the calling thread.
    func setEventLoop(_ loop: (any AbstractEventLoop)?)
    /// Makes a loop.
    func newEventLoop() throws -> any AbstractEventLoop
}

private let currentPolicy = ThreadLock<any EventLoopPolicy>(
    DefaultEventLoopPolicy(),
    isKeptAcrossForks: true
)

/// The policy of this process. May be called from any thread.
public func getEventLoopPolicy() -> any EventLoopPolicy {
    currentPolicy.withLock { $0 }
}

/// Replaces the policy of this process; `nil` restores the default. May be called from any thread.
public func setEventLoopPolicy(_ policy: (any EventLoopPolicy)?) {
    var other = policy ?? DefaultEventLoopPolicy()
    // The former one is released outside of the lock: that may run code of the user's.
    currentPolicy.withLock { swap(&$0, &other) }
}
