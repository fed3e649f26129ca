import SystemPackage
import Testing

@testable import Proactor

extension BaseEventLoop {
    /// One turn that does not wait.
    func turn() throws {
        stop()
        try runForever()
    }

    /// Turns until `condition` holds; an issue when it does not come to hold.
    func turn(
        until condition: () throws -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try run(until: condition, sourceLocation) { try turn() }
    }

    /// Takes step after step until `condition` holds.
    func run(
        until condition: () throws -> Bool,
        _ sourceLocation: SourceLocation,
        by step: () throws -> Void
    ) throws {
        let deadline = ContinuousClock.now + TestLimit.wait
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record("what was waited for did not come", sourceLocation: sourceLocation)
                throw TestError(number: -1)
            }
            try step()
        }
    }

    /// Enough turns for anything that is under way on this machine to be done.
    func settle(turns: Int = 20) throws {
        for _ in 0..<turns { try turn() }
    }

    /// Runs `body` as a task of this loop to its end.
    @discardableResult
    func run<Value>(_ body: @escaping () async throws -> Value) throws -> Value {
        try runUntilComplete(createTask(body))
    }

    /// Serves one end of a connection with `connectionProtocol`; the other end is the test's own.
    func connect(
        _ connectionProtocol: some ConnectionProtocol,
        over kind: SocketPair.Kind = .unix
    ) throws -> (transport: any Transport, peer: RawPeer) {
        let pair = try SocketPair(kind)
        let peer = RawPeer(pair.second)
        let (transport, _) = try run {
            try await self.connectAcceptedSocket(pair.first) { connectionProtocol }
        }
        return (transport, peer)
    }

    /// Closes what a test leaves open.
    func finish(_ transport: any Transport, _ peer: RawPeer) throws {
        transport.abort()
        peer.close()
        let stream = try #require(transport as? StreamSocketTransport)
        try turn(until: { stream.phase == .closed })
    }
}

extension WriteTransport {
    /// Writes until the kernel takes no more, with marks that pause nobody; returns how many bytes wait then.
    func fillKernel() throws -> Int {
        try setWriteBufferLimits(high: 1 << 30)
        for _ in 0..<1000 where writeBufferSize == 0 { write(patternBytes(50_000)) }
        try #require(writeBufferSize > 0, "the kernel takes everything")
        return writeBufferSize
    }
}
