@testable import Proactor

/// Writes down what its transport tells it, and does what a test hangs in.
final class RecordingDatagramProtocol: DatagramProtocol {
    private(set) var received: [[UInt8]] = []
    private(set) var sources: [SocketAddress] = []
    private(set) var errors: [SocketError] = []
    private(set) var lostErrors: [(any Error)?] = []
    private(set) var madeCount = 0
    private(set) var pauseCount = 0
    private(set) var resumeCount = 0
    private(set) weak var transport: (any DatagramTransport)?

    var onMade: ((any DatagramTransport) throws -> Void)?
    var onDatagram: ((any DatagramTransport, [UInt8], SocketAddress) throws -> Void)?
    var onError: ((any DatagramTransport) -> Void)?
    var onResume: ((any DatagramTransport) -> Void)?
    var onLost: (() -> Void)?

    var lostCount: Int { lostErrors.count }

    func connectionMade(_ transport: any DatagramTransport) throws {
        madeCount += 1
        self.transport = transport
        try onMade?(transport)
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        let bytes = data.withUnsafeBytes { Array($0) }
        received.append(bytes)
        sources.append(source)
        if let transport { try onDatagram?(transport, bytes, source) }
    }

    func errorReceived(_ error: SocketError) {
        errors.append(error)
        if let transport { onError?(transport) }
    }

    func connectionLost(_ error: (any Error)?) {
        lostErrors.append(error)
        onLost?()
    }

    func pauseWriting() {
        pauseCount += 1
    }

    func resumeWriting() {
        resumeCount += 1
        if let transport { onResume?(transport) }
    }
}

extension RecordingDatagramProtocol {
    /// Sends back what it receives.
    static func echo() -> RecordingDatagramProtocol {
        let echo = RecordingDatagramProtocol()
        echo.onDatagram = { transport, bytes, source in try transport.sendTo(bytes, source) }
        return echo
    }
}
