/// One end of a connection, as a protocol sees it.
///
/// Thread rule: the loop's thread only. The loop keeps a transport alive until `connectionLost` was called.
public protocol BaseTransport: AnyObject {
    /// What is known about the connection, such as `extraInfo(.peerName)`; `nil` when it is not known.
    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value?
    /// Whether the transport is closing or closed.
    var isClosing: Bool { get }
    /// Sends what was written, then closes; nothing more is received. `connectionLost(nil)` follows in a later turn.
    func close()
    /// Hands the connection over to another protocol, from the next event on. `connectionMade` is not called on it.
    func setProtocol(_ connectionProtocol: any ConnectionProtocol)
    /// The protocol, or `nil` when the connection is lost.
    func getProtocol() -> (any ConnectionProtocol)?
}
