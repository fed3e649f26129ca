/// An endpoint that sends and receives datagrams: UDP, or a Unix datagram socket.
///
/// Nothing here waits. What is sent in a turn goes out together at its end, in order; what the kernel does not take is
/// buffered, and `pauseWriting` tells the protocol when that is too much. A datagram can be lost on its way, and then
/// nobody hears of it.
///
/// UDP datagrams of one size that are sent in a row to one peer cross the network stack together, and so do those that one
/// peer sent in a row (`UDP_SEGMENT`, `UDP_GRO`). The protocol is shown each by itself, and the peer gets each by itself. So
/// many datagrams cost least when a turn sends them peer by peer.
///
/// Thread rule: the loop's thread only. The loop keeps a transport alive until `connectionLost` was called.
///
/// ```swift
/// let (transport, _) = try await loop.createDatagramEndpoint(remoteAddress: ("127.0.0.1", 9000)) { Client() }
/// try transport.sendTo("ping")
/// ```
public protocol DatagramTransport: BaseTransport {
    /// Sends a copy of `data`, which may be empty, as one datagram. `nil` is the remote address that the endpoint was made
    /// with; an endpoint that has one sends nowhere else.
    ///
    /// Ignored when the transport is closing. What the kernel refuses, such as a datagram that is too large, comes to
    /// ``DatagramProtocol/errorReceived(_:)`` in a later turn. So does `ENOBUFS` for a datagram whose receiver, a Unix socket that
    /// was named with it, has had no room for a second: others are not held up by that one.
    ///
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for an address other than the endpoint's own remote address, and for
    ///   none when it has none.
    func sendTo(_ data: RawSpan, _ address: SocketAddress?) throws(EventLoopError)
    /// Closes at once and drops what was not sent. `connectionLost(nil)` follows in a later turn.
    func abort()
    /// As ``BaseTransport/close()``, for so long at most: what has not been sent then is dropped, and `connectionLost` gets a
    /// ``TimeoutError``. On an endpoint that is closing it sets the time from now.
    func close(timeout: Duration)
    /// Sets when the protocol is paused and resumed, in bytes as ``writeBufferSize`` counts them. Without `low` it is a quarter
    /// of `high`; without `high` it is four times `low`; without either they are 16 KiB and 64 KiB. A high mark of zero
    /// pauses whenever something is buffered.
    ///
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` unless 0 ≤ low ≤ high.
    func setWriteBufferLimits(high: Int?, low: Int?) throws(EventLoopError)
    /// The marks in bytes.
    func getWriteBufferLimits() -> (low: Int, high: Int)
    /// Bytes that were sent and that the kernel has not taken yet, with 8 more for each datagram, so that empty ones count.
    var writeBufferSize: Int { get }
    /// Hands the endpoint over to another protocol, from the next event on. `connectionMade` is not called on it.
    func setProtocol(_ datagramProtocol: any DatagramProtocol)
    /// The protocol, or `nil` when the endpoint is lost.
    func getProtocol() -> (any DatagramProtocol)?
}

extension DatagramTransport {
    /// Sends a copy of `data` to the endpoint's remote address; see ``sendTo(_:_:)-(RawSpan,_)``.
    public func sendTo(_ data: RawSpan) throws(EventLoopError) {
        try sendTo(data, nil)
    }

    /// Sends a copy of `data`; see ``sendTo(_:_:)-(RawSpan,_)``.
    public func sendTo(_ data: [UInt8], _ address: SocketAddress? = nil) throws(EventLoopError) {
        try sendTo(data.span.bytes, address)
    }

    /// Sends the text as UTF-8; see ``sendTo(_:_:)-(RawSpan,_)``.
    public func sendTo(_ text: String, _ address: SocketAddress? = nil) throws(EventLoopError) {
        try sendTo(text.utf8Span.span.bytes, address)
    }

    /// Sets when the protocol is paused and resumed; see ``setWriteBufferLimits(high:low:)``.
    public func setWriteBufferLimits(high: Int) throws(EventLoopError) {
        try setWriteBufferLimits(high: high, low: nil)
    }
}
