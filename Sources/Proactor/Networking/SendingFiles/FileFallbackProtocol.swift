import SystemPackage

/// Stands in for a transport's protocol while a file is written to it, to learn when the transport has taken each piece. Reading
/// is paused meanwhile.
final class FileFallbackProtocol: StreamProtocol {
    private let transport: any Transport
    private let loop: BaseEventLoop
    private let original: (any ConnectionProtocol)?
    private let limits: (low: Int, high: Int)
    private let wasReading: Bool
    private var isPaused: Bool
    /// Whether the original was paused before, and its pause is over now.
    private var owesResume = false
    private var waiter: Future<Void>?
    private(set) var isLost = false
    /// Why it is lost, when it was the system's doing.
    private(set) var lossReason: Errno?

    init(_ transport: any Transport, loop: BaseEventLoop) {
        self.transport = transport
        self.loop = loop
        original = transport.getProtocol()
        limits = transport.getWriteBufferLimits()
        wasReading = transport.isReading
        isPaused = transport.writeBufferSize > 0
        transport.pauseReading()
        transport.setProtocol(self)
        // Paused whenever something is buffered: then a resume says that all of it went out. Zero is always allowed.
        try? transport.setWriteBufferLimits(high: 0, low: 0)
    }

    func restore() {
        if !isLost, let original { transport.setProtocol(original) }
        // They were the transport's own.
        try? transport.setWriteBufferLimits(high: limits.high, low: limits.low)
        if owesResume, !isLost { original?.resumeWriting() }
        if wasReading, !isLost { transport.resumeReading() }
    }

    /// Returns when the transport has nothing to send any more, or is lost.
    nonisolated(nonsending) func drained() async throws {
        guard isPaused, !isLost else { return try checkCancellation() }
        let future = loop.createFuture()
        waiter = future
        defer { waiter = nil }
        try await future.value()
    }

    private var isOwnPause = false

    func pauseWriting() {
        isPaused = true
        isOwnPause = true
    }

    func resumeWriting() {
        isPaused = false
        if !isOwnPause { owesResume = true }
        isOwnPause = false
        wake()
    }

    func connectionLost(_ error: (any Error)?) {
        isLost = true
        lossReason = (error as? SocketError)?.errno
        original?.connectionLost(error)
        wake()
    }

    func eofReceived() throws -> Bool {
        try original?.eofReceived() ?? false
    }

    /// A transport that is paused delivers nothing; if it does all the same, nothing must be lost.
    func dataReceived(_ data: RawSpan) throws {
        if let stream = original as? any StreamProtocol { return try stream.dataReceived(data) }
        guard let buffered = original as? any BufferedProtocol else { return }
        var rest = data
        while rest.byteCount > 0 {
            var buffer = try buffered.getBuffer(sizeHint: rest.byteCount)
            let count = min(buffer.room, rest.byteCount)
            guard count > 0 else {
                throw EventLoopError.invalidState("getBuffer returned a buffer without room")
            }
            buffer.append(rest.extracting(first: count))
            rest = rest.extracting(droppingFirst: count)
            try buffered.bufferUpdated(buffer, received: count)
        }
    }

    private func wake() {
        if let waiter, waiter.isPending { waiter.succeed(()) }
    }
}
