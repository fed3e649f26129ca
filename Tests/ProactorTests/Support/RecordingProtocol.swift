@testable import Proactor

/// Writes down what its transport tells it, and does what a test hangs in.
class RecordingProtocol: StreamProtocol {
    enum Event: Equatable {
        case made, eof, lost, pausedWriting, resumedWriting
        case data(Int)
    }

    private(set) var events: [Event] = []
    private(set) var received: [UInt8] = []
    private(set) var shutdownRequests = 0
    private(set) var lostErrors: [(any Error)?] = []
    private(set) weak var transport: (any Transport)?
    private let life: LifeCounter.Object?

    var onMade: ((any Transport) throws -> Void)?
    var onData: ((any Transport, [UInt8]) throws -> Void)?
    var onEOF: ((any Transport) throws -> Bool)?
    var onShutdownRequested: (() throws -> ShutdownAnswer)?
    var onLost: ((any Transport) -> Void)?
    var onPauseWriting: ((any Transport) -> Void)?
    var onResumeWriting: ((any Transport) -> Void)?

    init(life: LifeCounter? = nil) {
        self.life = life?.makeObject()
    }

    var text: String { String(decoding: received, as: UTF8.self) }
    var lostCount: Int { lostErrors.count }
    var lostError: (any Error)? { lostErrors.first ?? nil }
    var pauseCount: Int { events.count { $0 == .pausedWriting } }
    var resumeCount: Int { events.count { $0 == .resumedWriting } }
    var eofCount: Int { events.count { $0 == .eof } }

    func connectionMade(_ transport: any Transport) throws {
        events.append(.made)
        self.transport = transport
        try onMade?(transport)
    }

    func dataReceived(_ data: RawSpan) throws {
        let bytes = data.withUnsafeBytes { Array($0) }
        events.append(.data(bytes.count))
        received.append(contentsOf: bytes)
        if let transport { try onData?(transport, bytes) }
    }

    func eofReceived() throws -> Bool {
        events.append(.eof)
        guard let transport else { return false }
        return try onEOF?(transport) ?? false
    }

    func connectionLost(_ error: (any Error)?) {
        events.append(.lost)
        lostErrors.append(error)
        if let transport { onLost?(transport) }
    }

    func shutdownRequested() throws -> ShutdownAnswer {
        shutdownRequests += 1
        return try onShutdownRequested?() ?? .undecided
    }

    func pauseWriting() {
        events.append(.pausedWriting)
        if let transport { onPauseWriting?(transport) }
    }

    func resumeWriting() {
        events.append(.resumedWriting)
        if let transport { onResumeWriting?(transport) }
    }
}

extension RecordingProtocol {
    /// Sends back what it receives.
    static func echo() -> RecordingProtocol {
        let echo = RecordingProtocol()
        echo.onData = { transport, bytes in transport.write(bytes) }
        return echo
    }
}
