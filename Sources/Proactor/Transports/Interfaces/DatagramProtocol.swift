/// A protocol that is shown each datagram where the loop received it, without a copy.
///
/// The order of calls: `connectionMade`, then datagrams and errors any number of times, then `connectionLost`. An error that
/// ``datagramReceived(_:from:)`` throws goes to the loop's exception handler, and the endpoint stays open: one bad datagram
/// must not silence the others' senders.
///
/// ```swift
/// final class Echo: DatagramProtocol {
///     private var transport: (any DatagramTransport)?
///     func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
///     func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
///         try transport?.sendTo(data, source)
///     }
/// }
/// ```
public protocol DatagramProtocol: BaseProtocol {
    /// The endpoint stands; keep the transport to send by it. An error closes it.
    func connectionMade(_ transport: any DatagramTransport) throws
    /// A datagram came, which may be empty. Its bytes are lent for the call: copy what you keep.
    ///
    /// `source` is `.unixUnnamed` for a Unix socket that was never bound, to which nothing can be sent back.
    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws
    /// A datagram could not be sent or received; the endpoint goes on. `ECONNREFUSED` says that nobody listens where this
    /// endpoint is connected, `EMSGSIZE` that a datagram was too large. Many datagrams are lost without any error.
    func errorReceived(_ error: SocketError)
}

extension DatagramProtocol {
    public func connectionMade(_ transport: any DatagramTransport) throws {}
    public func errorReceived(_ error: SocketError) {}
}
