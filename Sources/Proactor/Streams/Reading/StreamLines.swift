/// A stream's lines as they come, each with its newline: see ``StreamReader/lines``.
///
/// It ends with the stream. It throws what ``StreamReader/readLine()`` throws, and may be iterated on after a
/// ``LimitOverrunError``, which has dropped the line.
///
/// ```swift
/// for try await line in reader.lines { print(String(decoding: line, as: UTF8.self), terminator: "") }
/// ```
public struct StreamLines: AsyncSequence {
    let reader: StreamReader

    /// Begins to iterate: with the next line.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// One iteration.
    public struct Iterator: AsyncIteratorProtocol {
        let reader: StreamReader

        /// Waits for the next line, and returns `nil` at the end of the stream.
        public mutating func next() async throws -> [UInt8]? {
            try await next(isolation: #isolation)
        }

        /// Waits for the next line, and returns `nil` at the end of the stream.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
            let line = try await reader.readLine()
            return line.isEmpty ? nil : line
        }
    }
}

extension StreamReader {
    /// The lines as they come, for a `for try await` loop, each with its newline.
    public var lines: StreamLines { StreamLines(reader: self) }
}

@available(*, unavailable)
extension StreamLines: Sendable {}

@available(*, unavailable)
extension StreamLines.Iterator: Sendable {}
