/// A two-way stream: a TCP or Unix connection.
///
/// ```swift
/// final class Greeter: StreamProtocol {
///     func connectionMade(_ transport: any Transport) {
///         transport.write("hello\n")
///         transport.close()
///     }
///     func dataReceived(_ data: RawSpan) {}
/// }
/// ```
public protocol Transport: ReadTransport, WriteTransport {}
