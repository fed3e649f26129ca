/// A protocol that is shown each piece of data where the loop received it, without a copy.
///
/// ```swift
/// final class Echo: StreamProtocol {
///     var transport: (any Transport)?
///     func connectionMade(_ transport: any Transport) { self.transport = transport }
///     func dataReceived(_ data: RawSpan) { transport?.write(data) }
/// }
/// ```
public protocol StreamProtocol: ConnectionProtocol {
    /// Some bytes came, never none. They are lent for the call: copy what you keep.
    ///
    /// `Array(data)` is a copy, `array.append(contentsOf: data)` adds one to what is there, `String(decoding: data, as: UTF8.self)` is
    /// the text, and ``WriteTransport/write(_:)-(RawSpan)`` sends the same bytes on. A piece ends anywhere, also within a line or a
    /// character: see <doc:FirstServer>.
    func dataReceived(_ data: RawSpan) throws
}
