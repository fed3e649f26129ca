import Proactor

/// Sends back what it receives, as a task that awaits each piece, where ``EchoConnection`` is called for it.
final class AsyncEchoConnection: StreamProtocol {
    /// As ``EchoConnection`` lets wait.
    private static let waitingMax = 1 << 20

    private let loop: BaseEventLoop
    private var transport: (any Transport)?
    private var received: [UInt8] = []
    private var spare: [UInt8] = []
    private var isPaused = false
    /// Whether the peer sent more than is read.
    private var isHeldBack = false
    private var isOver = false
    /// What the task waits for: data, the end, or room to write.
    private var change: Future<Void>?

    init(on loop: BaseEventLoop) {
        self.loop = loop
    }

    func connectionMade(_ transport: any Transport) throws {
        self.transport = transport
        try transport.setWriteBufferLimits(high: Self.waitingMax, low: nil)
        loop.createTask { [self] in try await echo(on: transport) }
    }

    func dataReceived(_ data: RawSpan) throws {
        data.withUnsafeBytes { received.append(contentsOf: $0) }
        if received.count > Self.waitingMax {
            isHeldBack = true
            transport?.pauseReading()
        }
        try wake()
    }

    func pauseWriting() { isPaused = true }

    func resumeWriting() {
        isPaused = false
        try? wake()
    }

    func connectionLost(_ error: (any Error)?) {
        isOver = true
        transport = nil
        try? wake()
    }

    nonisolated(nonsending) private func echo(on transport: any Transport) async throws {
        while let piece = try await next() {
            transport.write(piece)
            recycle(piece)
            while isPaused, !isOver { try await untilChange() }
        }
    }

    /// What has come since the last call, or nil at the end.
    nonisolated(nonsending) private func next() async throws -> [UInt8]? {
        while received.isEmpty {
            if isOver { return nil }
            try await untilChange()
        }
        let piece = received
        received = spare
        spare = []
        if isHeldBack {
            isHeldBack = false
            transport?.resumeReading()
        }
        return piece
    }

    private func recycle(_ piece: consuming [UInt8]) {
        piece.removeAll(keepingCapacity: true)
        spare = piece
    }

    nonisolated(nonsending) private func untilChange() async throws {
        let change = loop.createFuture()
        self.change = change
        try await change.value()
    }

    private func wake() throws {
        guard let waiting = change else { return }
        change = nil
        if !waiting.done { try waiting.setResult(()) }
    }
}
