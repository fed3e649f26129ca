import Glibc
import Testing

@testable import Proactor

extension LoopKind {
    /// Runs `body` with a fresh loop on a thread of its own, since a loop blocks, and then checks that
    /// nothing leaked: no operation, no receive buffer, no transport, and the loop itself, with its descriptors, is gone.
    ///
    /// - Parameter abandonsTasks: the body leaves tasks behind that never end, and with them the loop.
    func withLoop(
        abandonsTasks: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: sending @escaping (BaseEventLoop) throws -> Void
    ) async throws {
        try await withLoop(
            madeBy: { try $0.makeLoop() },
            abandonsTasks: abandonsTasks,
            sourceLocation: sourceLocation,
            body
        )
    }

    /// As ``withLoop(abandonsTasks:sourceLocation:_:)``, with a backend that can be made to fail.
    func withFaultyLoop(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: sending @escaping (BaseEventLoop, FaultyBackend) throws -> Void
    ) async throws {
        try await withLoop(
            madeBy: { try $0.makeFaultyLoop().0 },
            abandonsTasks: false,
            sourceLocation: sourceLocation
        ) { loop in
            try body(loop, try #require(loop.backend as? FaultyBackend))
        }
    }

    /// As ``withLoop(abandonsTasks:sourceLocation:_:)``, with a loop that receives datagrams up to a size only.
    func withLoop(
        datagramSize: Int,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: sending @escaping (BaseEventLoop) throws -> Void
    ) async throws {
        try await withLoop(
            madeBy: { try $0.makeLoop(datagramSize: datagramSize) },
            abandonsTasks: false,
            sourceLocation: sourceLocation,
            body
        )
    }

    private func withLoop(
        madeBy makeLoop: @escaping @Sendable (LoopKind) throws -> BaseEventLoop,
        abandonsTasks: Bool,
        sourceLocation: SourceLocation,
        _ body: sending @escaping (BaseEventLoop) throws -> Void
    ) async throws {
        let released = try await onThread(sourceLocation: sourceLocation) { [self] in
            LogCapture.install()
            let loop = try makeLoop(self)
            let reference = WeakLoop(loop)
            try RealSockets.$areOutOfReach.withValue(isSimulated) { try body(loop) }
            settle(loop, sourceLocation: sourceLocation)
            if let ring = loop.backend as? UringBackend {
                #expect(ring.lostBufferCount == 0, "receive buffers leaked", sourceLocation: sourceLocation)
            }
            try loop.close()
            return reference
        }
        guard !abandonsTasks, let released else { return }
        try await released.waitUntilReleased(sourceLocation: sourceLocation)
    }

    /// Gives what the body has closed the turns that it needs to go. A turn without work takes no time, so they are bounded
    /// by the clock and not by their number.
    private func settle(_ loop: BaseEventLoop, sourceLocation: SourceLocation) {
        let deadline = ContinuousClock.now + TestLimit.wait
        while ContinuousClock.now < deadline {
            guard !loop.isClosed, loop.backend.operationCount > 0 || loop.openTransports.count > 0 else {
                return
            }
            // Stopped before it runs, it takes one turn.
            loop.stop()
            guard (try? loop.runForever()) != nil else { return }
            sched_yield()
        }
        #expect(loop.backend.operationCount == 0, "operations leaked", sourceLocation: sourceLocation)
        #expect(loop.openTransports.count == 0, "transports leaked", sourceLocation: sourceLocation)
    }
}

/// Whether a loop is gone.
final class WeakLoop: @unchecked Sendable {
    private weak let loop: BaseEventLoop?

    init(_ loop: BaseEventLoop) {
        self.loop = loop
    }

    /// Other threads, such as those that a task visited, may hold it for some moments.
    func waitUntilReleased(sourceLocation: SourceLocation) async throws {
        let deadline = ContinuousClock.now + TestLimit.wait
        while loop != nil, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(1)) }
        #expect(loop == nil, "the event loop leaked", sourceLocation: sourceLocation)
    }
}
