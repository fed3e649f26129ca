import Testing

@testable import Proactor

@Suite struct UndrainedLoopTests {
    /// What is made on the loop's thread and looked at when that thread is gone.
    private final class Holder: @unchecked Sendable {
        var transport: StreamSocketTransport?
        var peer: RawPeer?
    }

    // Pitfall 24
    @Test func memoryThatTheKernelMayStillFillOutlivesTheLoop() throws {
        let backend = UringBackend(
            ring: ScriptedRing(),
            system: LinuxSystemCalls(nonBlocking: false),
            completionsPerTurn: 16
        )
        let loop = BaseEventLoop(backend: backend, label: "undrained")
        let holder = Holder()
        // Joined: while its thread lives, nobody else may close the loop.
        TestThread {
            do {
                let (transport, peer) = try loop.connect(RecordingBufferedProtocol())
                try loop.turn()
                holder.transport = transport as? StreamSocketTransport
                holder.peer = peer
            } catch { Issue.record(error) }
        }.join()
        let transport = try #require(holder.transport)
        #expect(transport.readState != .idle)
        // Closed from elsewhere, the loop cannot see the receive end.
        try loop.close()
        #expect(transport.phase == .closed)
        let isKept = transport.buffered?.hasBuffer == true
        #expect(isKept)
    }
}
