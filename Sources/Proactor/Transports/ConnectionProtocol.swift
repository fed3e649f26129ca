/// What ``StreamProtocol`` and ``BufferedProtocol`` share. Conform to one of these two.
///
/// The order of calls: `connectionMade`, then data any number of times, then `eofReceived` at most once, then
/// `connectionLost`. An error that one of them throws closes that transport, with the error as the reason.
public protocol ConnectionProtocol: BaseProtocol {
    /// The connection stands; keep the transport to write to it.
    func connectionMade(_ transport: any Transport) throws
    /// The peer sends nothing more. Return true to keep the sending side open, false to close.
    func eofReceived() throws -> Bool
}

extension ConnectionProtocol {
    public func connectionMade(_ transport: any Transport) throws {}
    public func eofReceived() throws -> Bool { false }
}
