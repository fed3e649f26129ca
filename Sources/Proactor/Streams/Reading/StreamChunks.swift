/// What comes by a stream, piece by piece as it comes: see ``StreamReader/chunks``.
///
/// It ends with the stream, and throws what ``StreamReader/read(upTo:)`` throws. Pieces have the size that they happen to come in.
///
/// ```swift
/// for try await chunk in reader.chunks { hash.update(chunk) }
/// ```
public struct StreamChunks: AsyncSequence {
    let reader: StreamReader

    /// Begins to iterate: with what comes next.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// One iteration.
    public struct Iterator: AsyncIteratorProtocol {
        let reader: StreamReader

        /// Waits for the next piece, and returns `nil` at the end of the stream.
        public mutating func next() async throws -> [UInt8]? {
            try await next(isolation: #isolation)
        }

        /// Waits for the next piece, and returns `nil` at the end of the stream.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
            let chunk = try await reader.read(upTo: reader.limit)
            return chunk.isEmpty ? nil : chunk
        }
    }
}

extension StreamReader {
    /// What comes, for a `for try await` loop, in pieces of up to the ``limit``.
    public var chunks: StreamChunks { StreamChunks(reader: self) }
}

@available(*, unavailable)
extension StreamChunks: Sendable {}

@available(*, unavailable)
extension StreamChunks.Iterator: Sendable {}
