/// One end of a connection, or an endpoint of datagrams, as a protocol sees it.
///
/// Thread rule: the loop's thread only. The loop keeps a transport alive until `connectionLost` was called.
///
/// ```swift
/// if let address = transport.extraInfo(.socketName) { print("at \(address)") }
/// transport.close()
/// ```
public protocol BaseTransport: AnyObject {
    /// What is known about the connection, such as `extraInfo(.peerName)`; `nil` when it is not known.
    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value?
    /// Whether the transport is closing or closed.
    var isClosing: Bool { get }
    /// Sends what was written, then closes; nothing more is received. `connectionLost(nil)` follows in a later turn.
    ///
    /// A peer that does not read holds the close up for as long, and so does one that reads no more than it can send back, since
    /// this side has stopped reading. Datagrams are waited for only while some are taken at least once a second, ten seconds at most;
    /// what is left then is reported to `errorReceived` as `ENOBUFS`. What must end in time is closed by ``WriteTransport/close(timeout:)``.
    /// Over TLS the peer's own end is waited for as well, and a peer that does neither read nor answer is given up after
    /// ``TLSOptions/shutdownTimeout``, by a ``TLSError``.
    func close()
}
