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
}
