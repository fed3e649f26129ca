import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What the kernel is told of a socket.
@Suite struct SocketSettingsTests {
    @Test(arguments: LoopKind.everywhere)
    func smallWritesAreNotDelayed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var accepted: [any Transport] = []
            let server = try loop.run {
                try await loop.createServer(host: "127.0.0.1", port: 0) {
                    let recorder = RecordingProtocol()
                    recorder.onMade = { accepted.append($0) }
                    return recorder
                }
            }
            let port = try server.sockets[0].localAddress().port ?? 0
            let (transport, _) = try loop.run {
                try await loop.createConnection(host: "127.0.0.1", port: port) { RecordingProtocol() }
            }
            try loop.turn { accepted.count == 1 }
            for end in accepted + [transport] {
                #expect(try end.extraInfo(.socket)?.option(.noDelay) != 0)
                end.abort()
            }
            server.close()
            accepted = []
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theBacklogIsTheOneThatWasAskedFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for backlog in [7, 100] {
                let server = try loop.run {
                    try await loop.createServer(host: "127.0.0.1", port: 0, backlog: backlog) {
                        RecordingProtocol()
                    }
                }
                #expect(try Self.backlog(of: server.sockets[0].descriptor) == backlog)
                server.close()
            }
        }
    }

    /// Of a listener, the kernel's `tcp_info` tells it as `tcpi_sacked`.
    private static func backlog(of listener: FileDescriptor) throws -> Int {
        var info = [UInt32](repeating: 0, count: 64)
        var size = socklen_t(info.count * MemoryLayout<UInt32>.size)
        try SocketPair.check(getsockopt(listener.rawValue, Int32(IPPROTO_TCP), 11, &info, &size))
        return Int(info[7])
    }
}
