/// The event loop over io_uring.
///
/// See ``AbstractEventLoop`` for what it does. ``EventLoop`` is this one where it can be had, and another where it cannot.
///
/// ```swift
/// let loop = try ProactorEventLoop()
/// defer { try? loop.close() }
/// try loop.runUntilComplete { print("over the ring") }
/// ```
public final class ProactorEventLoop: BaseEventLoop, @unchecked Sendable {
    private let ring: UringBackend

    /// Makes a loop with a ring of its own.
    ///
    /// - Throws: why the ring cannot be had.
    public init(configuration: RingConfiguration = RingConfiguration()) throws(RingUnavailable) {
        ring = try UringBackend(configuration: configuration)
        super.init(backend: ring, label: "proactor.ring")
    }

    /// What the ring uses of what newer kernels offer. It is known as soon as the loop is made.
    public var features: RingFeatures { ring.features }
}
