import Proactor

/// Drops what it receives.
final class SinkConnection: StreamProtocol {
    func connectionMade(_ transport: any Transport) {}

    func dataReceived(_ data: RawSpan) {}
}
