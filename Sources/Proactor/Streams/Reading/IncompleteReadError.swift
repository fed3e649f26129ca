/// A stream ended before all that was asked for had come: asyncio's `IncompleteReadError`.
///
/// ```swift
/// do {
///     header = try await reader.readExactly(8)
/// } catch let error as IncompleteReadError where error.partial.isEmpty {
///     return  // a clean end, between two messages
/// }
/// ```
public struct IncompleteReadError: Error, Hashable, Sendable {
    /// What came before the end. It is read, and not in the reader any more.
    public let partial: [UInt8]
    /// How many bytes were asked for; `nil` when it was all up to a separator.
    public let expected: Int?

    /// An error with both its parts.
    public init(partial: [UInt8], expected: Int?) {
        self.partial = partial
        self.expected = expected
    }
}

extension IncompleteReadError: CustomStringConvertible {
    public var description: String {
        let wanted = expected.map { "all \($0) bytes were read" } ?? "a separator was found"
        return "the stream ended after \(partial.count) bytes, before \(wanted)"
    }
}
