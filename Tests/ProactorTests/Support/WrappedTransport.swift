@testable import Proactor

/// A transport that is none of the library's own: it hands everything on to one.
final class WrappedTransport: Transport {
    private let inner: any Transport

    init(_ inner: any Transport) {
        self.inner = inner
    }

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? { inner.extraInfo(key) }
    var isClosing: Bool { inner.isClosing }
    func close() { inner.close() }
    func setProtocol(_ connectionProtocol: any ConnectionProtocol) { inner.setProtocol(connectionProtocol) }
    func getProtocol() -> (any ConnectionProtocol)? { inner.getProtocol() }
    var isReading: Bool { inner.isReading }
    func pauseReading() { inner.pauseReading() }
    func resumeReading() { inner.resumeReading() }
    func write(_ data: RawSpan) { inner.write(data) }
    func write(_ data: [UInt8]) { inner.write(data) }
    func write(_ text: String) { inner.write(text) }
    func write(_ buffer: consuming OwnedBuffer) { inner.write(buffer) }
    func writeLines(_ pieces: some Sequence<[UInt8]>) { inner.writeLines(pieces) }
    func writeEOF() { inner.writeEOF() }
    var canWriteEOF: Bool { inner.canWriteEOF }
    func abort() { inner.abort() }
    func abort(withReset: Bool) { inner.abort(withReset: withReset) }
    func close(timeout: Duration) { inner.close(timeout: timeout) }
    var idleTimeout: Duration? { inner.idleTimeout }
    func setIdleTimeout(_ timeout: Duration?) throws(EventLoopError) { try inner.setIdleTimeout(timeout) }
    func setWriteBufferLimits(high: Int?, low: Int?) throws(EventLoopError) {
        try inner.setWriteBufferLimits(high: high, low: low)
    }
    func getWriteBufferLimits() -> (low: Int, high: Int) { inner.getWriteBufferLimits() }
    var writeBufferSize: Int { inner.writeBufferSize }
}
