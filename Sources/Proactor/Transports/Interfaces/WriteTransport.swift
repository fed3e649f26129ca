/// A transport that sends.
///
/// Nothing here waits: what the kernel does not take is buffered, and `pauseWriting` tells the protocol when that is too
/// much. Writes of one turn are gathered and go out together at its end. Before a pause or a size is told, the kernel is
/// offered what was gathered: it is the peer that causes a pause then, and not a busy turn. Who writes much by callbacks, timers
/// and tasks, and not in answer to what was just received, shares the turn with others: when the kernel has taken 64 KiB of
/// it in a turn, or as much as the high mark if that is more, and more than the high mark waits, it is paused until the next.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let (transport, _) = try await loop.connectWritePipe(.standardOutput) { Writer() }
/// transport.write("done\n")
/// transport.close()
/// ```
public protocol WriteTransport: ConnectionTransport {
    /// Sends a copy of `data`. Ignored when the transport is closing; after ``writeEOF()`` it is a mistake, reported to the
    /// loop's exception handler.
    func write(_ data: RawSpan)
    /// As ``write(_:)-(RawSpan)``. An array from 32 KiB on is not copied but kept until it is sent: who changes it meanwhile pays for
    /// the copy, and sends what it was.
    func write(_ data: [UInt8])
    /// As ``write(_:)-([UInt8])``, a stretch of an array: it, and so the whole array, is kept from 32 KiB on.
    func write(_ data: ArraySlice<UInt8>)
    /// Sends the text as UTF-8.
    func write(_ text: String)
    /// Sends the buffer's bytes without a copy, and frees it when they are sent.
    func write(_ buffer: consuming OwnedBuffer)
    /// Sends the pieces one after the other, as one write of all of them would.
    func writeLines(_ pieces: some Sequence<[UInt8]>)
    /// Sends what was written, then tells the peer that nothing follows (FIN). Receiving goes on, and the connection lasts
    /// until it is closed: by ``BaseTransport/close()``, or at the peer's end where
    /// ``ConnectionProtocol/eofReceived()`` returns false.
    func writeEOF()
    /// Whether ``writeEOF()`` is possible: not over TLS, where it changes nothing and goes to the loop's exception handler, since most
    /// peers answer the end of one direction by ending both.
    var canWriteEOF: Bool { get }
    /// Closes at once and drops what was not sent. `connectionLost(nil)` follows in a later turn.
    func abort()
    /// As ``abort()``, and when `withReset` is true the peer is told by RST instead of an end of stream, so that it does not take
    /// what it has received for the whole: a proxy passes a reset on that way. For TCP; other transports do as ``abort()``.
    func abort(withReset: Bool)
    /// As ``BaseTransport/close()``, for so long at most: what has not been sent then is dropped, and `connectionLost` gets a
    /// ``TimeoutError``. Zero or less drops at once what the kernel has not taken. On a transport that is closing it sets the time
    /// from now.
    func close(timeout: Duration)
    /// Sets when the protocol is paused and resumed, in bytes. Without `low` it is a quarter of `high`; without `high` it is
    /// four times `low`; without either they are 16 KiB and 64 KiB. A high mark of zero pauses whenever something is
    /// buffered.
    ///
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` unless 0 ≤ low ≤ high.
    func setWriteBufferLimits(high: Int?, low: Int?) throws(EventLoopError)
    /// The marks in bytes.
    func getWriteBufferLimits() -> (low: Int, high: Int)
    /// Bytes that were written and that the kernel does not take, in bytes. It is asked: what waits only for the turn's end is not
    /// counted, but sent.
    var writeBufferSize: Int { get }
}

extension WriteTransport {
    /// Sends a copy of `data`; a transport of your own may keep it instead.
    public func write(_ data: ArraySlice<UInt8>) {
        write(data.span.bytes)
    }

    /// Sets when the protocol is paused and resumed; see ``setWriteBufferLimits(high:low:)``.
    public func setWriteBufferLimits(high: Int) throws(EventLoopError) {
        try setWriteBufferLimits(high: high, low: nil)
    }
}
