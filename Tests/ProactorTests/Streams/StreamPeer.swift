import SystemPackage
import Testing

@testable import Proactor

/// Streams over one end of a connection; the other end is the test's own.
struct StreamPeer {
    let reader: StreamReader
    let writer: StreamWriter
    let peer: RawPeer
}

extension BaseEventLoop {
    func openStreams(
        over kind: SocketPair.Kind = .unix,
        limit: Int = StreamReader.defaultLimit
    ) throws -> StreamPeer {
        let pair = try SocketPair(kind)
        let peer = RawPeer(pair.second)
        let (reader, writer) = try run { try await self.openConnection(socket: pair.first, limit: limit) }
        return StreamPeer(reader: reader, writer: writer, peer: peer)
    }

    /// Closes what a test leaves open.
    func finish(_ streams: StreamPeer) throws {
        streams.writer.transport.abort()
        streams.peer.close()
        try turnUntilClosed(streams.writer.transport)
    }
}

func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
}
