import CMicro
import Proactor

/// An echo by streams that counts what the loop's thread allocates from one message to a later one.
final class CountedStreamEcho {
    private static let messageBytes = 64

    /// Whether messages are lent, or read as arrays.
    private let lends: Bool
    private let first: Int
    private let last: Int
    private var before: UInt64 = 0
    private var after: UInt64 = 0

    init(lends: Bool, skipping first: Int, counting count: Int) {
        self.lends = lends
        self.first = first
        last = first + count
    }

    var allocationsPerMessage: Double {
        after == 0 ? .nan : Double(after - before) / Double(last - first)
    }

    func makeProtocol() throws -> any ConnectionProtocol {
        StreamReaderProtocol(try StreamReader()) { reader, writer in
            try await self.echo(reader, writer)
        }
    }

    private nonisolated(nonsending) func echo(_ reader: StreamReader, _ writer: StreamWriter) async throws {
        defer { writer.close() }
        for number in 1... {
            do {
                if lends {
                    try await reader.readExactly(Self.messageBytes) { writer.write($0) }
                } else {
                    writer.write(try await reader.readExactly(Self.messageBytes))
                }
            } catch is IncompleteReadError {
                return
            }
            if number == first { before = cmicro_allocations() }
            if number == last { after = cmicro_allocations() }
            try await writer.drain()
        }
    }
}
