/// What became of the connections of a graceful stop.
///
/// ```swift
/// let summary = await server.shutdownGracefully(timeout: .seconds(10))
/// print("\(summary.drained) connections ended by themselves, \(summary.aborted) were cut off")
/// ```
public struct ShutdownSummary: Hashable, Sendable, CustomStringConvertible {
    /// Connections that ended before the deadline.
    public var drained: Int
    /// Connections that were still there at the deadline, and were aborted.
    public var aborted: Int

    /// A summary of so many connections.
    public init(drained: Int = 0, aborted: Int = 0) {
        self.drained = drained
        self.aborted = aborted
    }

    /// Both together.
    public static func + (left: ShutdownSummary, right: ShutdownSummary) -> ShutdownSummary {
        ShutdownSummary(drained: left.drained + right.drained, aborted: left.aborted + right.aborted)
    }

    public var description: String { "\(drained) connections drained, \(aborted) aborted" }
}
