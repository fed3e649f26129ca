/// A transport of a connection, with a protocol that can be exchanged.
///
/// ```swift
/// func dataReceived(_ data: RawSpan) {
///     let next = WebSocketProtocol()
///     transport?.setProtocol(next)  // what comes from here on is its own
///     if let transport { next.connectionMade(transport) }
/// }
/// ```
public protocol ConnectionTransport: BaseTransport {
    /// Hands the connection over to another protocol, from the next event on. `connectionMade` is not called on it.
    func setProtocol(_ connectionProtocol: any ConnectionProtocol)
    /// The protocol, or `nil` when the connection is lost.
    func getProtocol() -> (any ConnectionProtocol)?
    /// How long nothing may move before the connection is lost; `nil` unless it was set.
    var idleTimeout: Duration? { get }
    /// Loses the connection, with a ``TimeoutError``, once nothing has been received or written, and nothing has been taken of what
    /// is to be sent, for so long: never earlier, and up to a quarter of it later. `nil` ends that. A connection whose protocol works
    /// for longer on an answer, or has paused reading for longer, is idle too: take it off meanwhile.
    ///
    /// ```swift
    /// func connectionMade(_ transport: any Transport) throws {
    ///     try transport.setIdleTimeout(.seconds(60))
    /// }
    /// ```
    ///
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` unless it is above zero.
    func setIdleTimeout(_ timeout: Duration?) throws(EventLoopError)
}
