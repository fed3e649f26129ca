@testable import Proactor

/// One of two transports of the test's own, between which bytes go without a loop, and within the call that writes them.
final class MemoryTransport: Transport {
    private var current: (any ConnectionProtocol)?
    private weak var other: MemoryTransport?
    private var waiting: [UInt8] = []
    private var isPaused = false
    private var isClosed = false
    private var hasEnded = false

    /// - Returns: two that are connected; each is held by whoever uses it.
    static func pair(
        _ first: any ConnectionProtocol,
        _ second: any ConnectionProtocol
    ) -> (MemoryTransport, MemoryTransport) {
        let pair = (MemoryTransport(first), MemoryTransport(second))
        pair.0.other = pair.1
        pair.1.other = pair.0
        return pair
    }

    private init(_ connectionProtocol: any ConnectionProtocol) { current = connectionProtocol }

    private func receive(_ bytes: [UInt8]) {
        waiting += bytes
        deliver()
    }

    private func deliver() {
        guard !isPaused, !isClosed, let stream = current as? any StreamProtocol else { return }
        if !waiting.isEmpty {
            let bytes = waiting
            waiting = []
            try? stream.dataReceived(bytes.span.bytes)
        }
        if hasEnded, !isPaused, waiting.isEmpty, !isClosed, (try? stream.eofReceived()) != true { close() }
    }

    private func end() {
        guard !isClosed else { return }
        isClosed = true
        let lost = current
        current = nil
        lost?.connectionLost(nil)
        other?.hasEnded = true
        other?.deliver()
    }

    func write(_ data: RawSpan) {
        if !isClosed { other?.receive(data.withUnsafeBytes { Array($0) }) }
    }

    func write(_ data: [UInt8]) { write(data.span.bytes) }
    func write(_ text: String) { write(Array(text.utf8)) }
    func write(_ buffer: consuming OwnedBuffer) { buffer.withBytes { write($0) } }
    func writeLines(_ pieces: some Sequence<[UInt8]>) { for piece in pieces { write(piece) } }
    func writeEOF() {}
    var canWriteEOF: Bool { false }
    func close() { end() }
    func close(timeout: Duration) { end() }
    func abort() { end() }
    func abort(withReset: Bool) { end() }
    var isClosing: Bool { isClosed }
    var isReading: Bool { !isPaused }
    func pauseReading() { isPaused = true }

    func resumeReading() {
        isPaused = false
        deliver()
    }

    func setProtocol(_ connectionProtocol: any ConnectionProtocol) {
        current = connectionProtocol
        deliver()
    }

    func getProtocol() -> (any ConnectionProtocol)? { current }
    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? { nil }
    var idleTimeout: Duration? { nil }
    func setIdleTimeout(_ timeout: Duration?) throws(EventLoopError) {}
    func setWriteBufferLimits(high: Int?, low: Int?) throws(EventLoopError) {}
    func getWriteBufferLimits() -> (low: Int, high: Int) { (0, 0) }
    var writeBufferSize: Int { 0 }
}
