import CPattern
import Proactor

/// Sends the pattern from its beginning, without end, as fast as its peer takes it.
final class SourceConnection: StreamProtocol {
    private static let period = Int(cpattern_period)
    /// No more at a time, so that a peer who takes everything does not keep the loop from the others.
    private static let piecesPerTurnMax = 16

    private let loop: BaseEventLoop
    private let messageBytes: Int
    private let pattern: [UInt8]
    private var transport: (any Transport)?
    private var position = 0
    private var isPaused = false
    private var isScheduled = false

    init(on loop: BaseEventLoop, messageBytes: Int) {
        self.loop = loop
        self.messageBytes = messageBytes
        pattern = Self.pattern(extra: messageBytes)
    }

    func connectionMade(_ transport: any Transport) throws {
        self.transport = transport
        // One message waits while one is sent, as in the C servers.
        try transport.setWriteBufferLimits(high: messageBytes, low: nil)
        try send()
    }

    func dataReceived(_ data: RawSpan) {}

    func pauseWriting() { isPaused = true }

    func resumeWriting() {
        isPaused = false
        schedule()
    }

    func connectionLost(_ error: (any Error)?) { transport = nil }

    private func schedule() {
        guard !isScheduled else { return }
        // It is refused when the loop is closed, and then nothing is to be sent.
        isScheduled =
            (try? loop.callSoon { [self] in
                isScheduled = false
                try send()
            }) != nil
    }

    private func send() throws {
        var pieces = 0
        while let transport, !isPaused, !transport.isClosing {
            guard pieces < Self.piecesPerTurnMax else { return schedule() }
            pieces += 1
            let piece = position..<(position + messageBytes)
            // A stretch of the one pattern, as the other servers send it.
            transport.write(pattern[piece])
            position = piece.upperBound % Self.period
        }
    }

    /// Made once for all connections; on the loop's thread only.
    private nonisolated(unsafe) static var made: [UInt8] = []

    private static func pattern(extra: Int) -> [UInt8] {
        if made.count != period + extra, let bytes = cpattern_create(extra) {
            made = Array(UnsafeBufferPointer(start: bytes, count: period + extra))
            bytes.deallocate()
        }
        return made
    }
}
