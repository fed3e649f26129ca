import Proactor

/// Sees to it that a transport keeps to its protocol: made first, lost last and once, pauses and resumptions in turn.
class CheckedProtocol: StreamProtocol {
    private enum Phase {
        case fresh
        case open
        case lost
    }

    let book: Book
    let name: String
    private var phase = Phase.fresh
    private var hasEnded = false
    private(set) var isPaused = false
    private(set) var transport: (any Transport)?
    private(set) var lostError: (any Error)?

    init(_ name: String, _ book: Book) {
        self.name = name
        self.book = book
        book.owe("\(name) loses its connection") { [weak self] in self.map { $0.phase != .open } ?? true }
    }

    var isOpen: Bool { phase == .open }

    private func check(_ call: String) {
        book.expect(phase == .open, "\(name): \(call) while \(phase)")
    }

    // MARK: - What subclasses do

    func made(_ transport: any Transport) throws {}
    func received(_ bytes: [UInt8]) throws {}
    func ended() throws -> Bool { false }
    func lost(_ error: (any Error)?) {}
    func mayWrite() {}

    // MARK: - StreamProtocol

    final func connectionMade(_ transport: any Transport) throws {
        book.expect(phase == .fresh, "\(name): made twice")
        phase = .open
        self.transport = transport
        try made(transport)
    }

    final func dataReceived(_ data: RawSpan) throws {
        check("data")
        book.expect(!hasEnded, "\(name): data after the end of the stream")
        book.expect(data.byteCount > 0, "\(name): no data")
        try received(data.withUnsafeBytes { Array($0) })
    }

    final func eofReceived() throws -> Bool {
        check("the end of the stream")
        book.expect(!hasEnded, "\(name): the stream ended twice")
        hasEnded = true
        return try ended()
    }

    final func connectionLost(_ error: (any Error)?) {
        check("lost")
        phase = .lost
        lostError = error
        lost(error)
        transport = nil
    }

    final func pauseWriting() {
        check("a pause")
        book.expect(!isPaused, "\(name): paused twice")
        isPaused = true
    }

    final func resumeWriting() {
        check("a resumption")
        book.expect(isPaused, "\(name): resumed without a pause")
        isPaused = false
        mayWrite()
    }
}

/// Sends back what it receives.
final class EchoProtocol: CheckedProtocol {
    override func received(_ bytes: [UInt8]) throws {
        transport?.write(bytes)
        if isPaused { transport?.pauseReading() }
    }

    override func mayWrite() {
        transport?.resumeReading()
    }
}
