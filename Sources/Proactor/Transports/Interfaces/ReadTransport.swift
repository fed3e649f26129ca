/// A transport that receives.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// func dataReceived(_ data: RawSpan) {
///     queue.append(Array(data))
///     if queue.count > 100 { transport?.pauseReading() }
/// }
/// ```
public protocol ReadTransport: ConnectionTransport {
    /// Whether data is delivered: false when paused, closing, or at the end of the stream.
    var isReading: Bool { get }
    /// Holds data back until ``resumeReading()``. What the kernel has handed over already is kept, not lost, and the
    /// connection's end, a reset included, is told after it; only a write that fails ends a paused connection at once. Does
    /// nothing when paused or closing.
    func pauseReading()
    /// Delivers again, from the next turn on.
    func resumeReading()
}
