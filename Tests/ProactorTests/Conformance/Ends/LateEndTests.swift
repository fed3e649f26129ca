import Testing

@testable import Proactor

/// A kernel that takes its time to end what is under way when a loop ends.
@Suite struct LateEndTests {
    /// How long that takes, in polls: more than turns in a row can take within a moment.
    private static let delay = 300

    @Test(arguments: LoopKind.everywhere)
    func anAbortedConnectionHearsOfItsEnd(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let (client, server) = (RecordingProtocol(), RecordingProtocol())
            try loop.run {
                let listener = try await loop.createServer(host: "127.0.0.1", port: 0) { server }
                let port = try loop.port(of: listener)
                _ = try await loop.createConnection(host: "127.0.0.1", port: port, family: .ipv4) { client }
                while server.events.isEmpty { try await sleep(for: .zero) }
            }
            backend.cancelDelay = Self.delay
            var left: Int?
            try loop.finishAndClose { left = $0.transports }
            #expect(left == 0)
            #expect(client.events.last == .lost && server.events.last == .lost)
        }
    }
}
