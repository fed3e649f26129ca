import SystemPackage

/// A ``Dispatcher`` that keeps what the kernel does not take at once, and sends it later: asyncore's `dispatcher_with_send`, for
/// simple clients. ``AsyncChat`` does more. In new programs a ``Transport`` does it, and tells when it is too much.
///
/// ```swift
/// final class EchoHandler: DispatcherWithSend {
///     override func handleRead() throws { try send(try recv(8192)) }
/// }
/// ```
open class DispatcherWithSend: Dispatcher {
    /// What is still to be sent.
    public private(set) var outBuffer: [UInt8] = []

    /// Whether there is something to be sent, or a connect under way.
    open override func writable() -> Bool { !isConnected || !outBuffer.isEmpty }

    /// Sends more of what is to be sent.
    open override func handleWrite() throws { try sendMore() }

    /// Sends all of it, now or later, and returns how many bytes that is.
    ///
    /// - Throws: as ``Dispatcher/send(_:)``.
    @discardableResult
    open override func send(_ data: [UInt8]) throws -> Int {
        outBuffer += data
        try sendMore()
        return data.count
    }

    private func sendMore() throws {
        guard isConnected, !outBuffer.isEmpty else { return }
        let count = try super.send(outBuffer)
        // A close within it has dropped the rest.
        outBuffer.removeFirst(min(count, outBuffer.count))
        map.scheduleUpdate()
    }

    /// Closes, and drops what was not sent.
    open override func close() {
        outBuffer = []
        super.close()
    }
}
