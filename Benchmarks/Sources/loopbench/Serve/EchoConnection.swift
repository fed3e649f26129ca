import Proactor

/// Sends back what it receives.
final class EchoConnection: StreamProtocol {
    private var transport: (any Transport)?

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
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
