import Proactor

/// Sends back what it receives.
final class EchoConnection: StreamProtocol {
    private var transport: (any Transport)?

    /// As much as the C servers let wait for a peer that does not read, in bytes.
    private static let waitingMax = 1 << 20

    func connectionMade(_ transport: any Transport) throws {
        self.transport = transport
        try transport.setWriteBufferLimits(high: Self.waitingMax, low: nil)
    }

    func dataReceived(_ data: RawSpan) {
        transport?.write(data)
    }

    func pauseWriting() {
        // A peer that sends without reading would otherwise fill the memory.
        transport?.pauseReading()
    }

    func resumeWriting() {
        transport?.resumeReading()
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
    }
}
