import Proactor

/// Echo by streams: a task for each connection, which reads what comes, lines, or messages of one size.
enum StreamEcho {
    case bytes
    case lines
    case exact(byteCount: Int)

    /// As ``EchoConnection`` lets wait, in bytes; no line is longer.
    private static let waitingMax = 1 << 20

    func makeProtocol() -> any ConnectionProtocol {
        guard let reader = try? StreamReader(limit: Self.waitingMax) else {
            preconditionFailure("a reader refuses a limit of \(Self.waitingMax) bytes")
        }
        return StreamReaderProtocol(reader) { reader, writer in
            try writer.transport.setWriteBufferLimits(high: Self.waitingMax)
            defer { writer.close() }
            do {
                switch self {
                case .bytes: try await Self.echoBytes(reader, writer)
                case .lines: try await Self.echoLines(reader, writer)
                case .exact(let byteCount): try await Self.echo(byteCount, reader, writer)
                }
            } catch {
                // The client has gone, amid a message or between two.
            }
        }
    }

    private nonisolated(nonsending) static func echoBytes(
        _ reader: StreamReader,
        _ writer: StreamWriter
    ) async throws {
        while !reader.atEOF {
            try await reader.read(upTo: waitingMax) { writer.write($0) }
            try await writer.drain()
        }
    }

    private nonisolated(nonsending) static func echoLines(
        _ reader: StreamReader,
        _ writer: StreamWriter
    ) async throws {
        while true {
            try await reader.readUntil(UInt8(ascii: "\n")) { writer.write($0) }
            try await writer.drain()
        }
    }

    private nonisolated(nonsending) static func echo(
        _ byteCount: Int,
        _ reader: StreamReader,
        _ writer: StreamWriter
    ) async throws {
        while true {
            try await reader.readExactly(byteCount) { writer.write($0) }
            try await writer.drain()
        }
    }
}
