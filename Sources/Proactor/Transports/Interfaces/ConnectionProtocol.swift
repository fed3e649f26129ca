/// What ``StreamProtocol`` and ``BufferedProtocol`` share. Conform to one of these two.
///
/// The order of calls: `connectionMade`, then data any number of times, then `eofReceived` at most once, then
/// `connectionLost`. An error that one of them throws closes that transport, with the error as the reason.
public protocol ConnectionProtocol: BaseProtocol {
    /// The connection stands; keep the transport to write to it.
    func connectionMade(_ transport: any Transport) throws
    /// The peer sends nothing more. Return true to keep the sending side open, false to close. Once it is kept open, the
    /// connection lasts until you close it, also when ``WriteTransport/writeEOF()`` has ended your side too: call
    /// ``BaseTransport/close()`` when nothing is left to send.
    ///
    /// Over TLS this is the peer's close_notify, after which one may still write. A stream that ends without it may have been
    /// cut, and the connection is lost by a ``TLSError`` instead, unless ``TLSOptions/toleratesTruncation`` is set.
    func eofReceived() throws -> Bool
    /// The server of this connection stops gracefully, and would like the connection to end soon: the answer says
    /// whether it can. Called at most once for each stop, while the connection is open.
    ///
    /// A protocol of requests and answers, such as HTTP with connections that are kept alive, returns
    /// ``ShutdownAnswer/close`` when it owes the peer nothing; else ``ShutdownAnswer/whenDone``, and closes the transport
    /// after its answer. Without an implementation it is ``ShutdownAnswer/undecided``.
    func shutdownRequested() throws -> ShutdownAnswer
}

extension ConnectionProtocol {
    public func connectionMade(_ transport: any Transport) throws {}
    public func eofReceived() throws -> Bool { false }
    public func shutdownRequested() throws -> ShutdownAnswer { .undecided }
}
