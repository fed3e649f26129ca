/// No separator was found within a reader's limit: asyncio's `LimitOverrunError`.
///
/// After `readUntil` the bytes are in the reader still: read ``consumed`` of them to go on behind them, or give the reader a
/// higher limit. `readLine` has dropped the line, as far as it had come.
///
/// ```swift
/// do {
///     line = try await reader.readUntil("\r\n")
/// } catch let error as LimitOverrunError {
///     _ = try await reader.readExactly(error.consumed)
/// }
/// ```
public struct LimitOverrunError: Error, Hashable, Sendable {
    /// What happened, in one sentence.
    public let message: String
    /// How many bytes are before the separator, or can at least be no part of one.
    public let consumed: Int

    /// An error with both its parts.
    public init(_ message: String, consumed: Int) {
        self.message = message
        self.consumed = consumed
    }
}

extension LimitOverrunError: CustomStringConvertible {
    public var description: String { "\(message) (\(consumed) bytes)" }
}
