import Proactor
import ProactorTesting

extension Scenario {
    /// Streams that are received into their protocols' own buffers, with pauses amid it, and protocols that hand over to each other.
    static let buffered = Scenario("buffered") { simulation, book in
        let server = try simulation.host("server")
        let capacity = 1 + simulation.choice(below: 20_000)
        let handOver = simulation.choice(below: 60_000)
        server.start {
            let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 9) {
                HandingEcho(capacity, after: handOver, book)
            }
            try await server.serveForever()
        }
        var done = 0
        let clients = 1 + simulation.choice(below: 3)
        for number in 0..<clients {
            let total = 1 + simulation.choice(below: 150_000)
            let pausing = simulation.choice(below: 2) == 0
            try simulation.host("client\(number)").start {
                let loop = try getRunningLoop()
                let source = try await retrying {
                    try await loop.createConnection(host: "server", port: 9, family: .ipv4) {
                        SourceProtocol(number, total, pausing: pausing, book)
                    }.protocol
                }
                try await source.wait()
                done += 1
            }
        }
        try simulation.run(until: { done == clients }, within: .seconds(3_600))
        try simulation.run(for: .seconds(1))
        try simulation.finish()
    }
}

/// Sends back what comes, and after so many bytes lets a ``BufferedEcho`` go on.
private final class HandingEcho: CheckedProtocol {
    private let capacity: Int
    private var left: Int

    init(_ capacity: Int, after count: Int, _ book: Book) {
        self.capacity = capacity
        left = count
        super.init("server", book)
        book.forgive("server")
    }

    override func received(_ bytes: [UInt8]) throws {
        transport?.write(bytes)
        left -= bytes.count
        if left <= 0 { handOver() } else if isPaused { transport?.pauseReading() }
    }

    override func mayWrite() { transport?.resumeReading() }

    override func ended() throws -> Bool {
        transport?.writeEOF()
        return false
    }

    private func handOver() {
        guard let transport else { return }
        let next = BufferedEcho(capacity, isPaused: isPaused, transport, book)
        transport.setProtocol(next)
        if isPaused { transport.pauseReading() }
    }
}

/// Sends back what comes into its buffers, of which the transport has one at a time. It pauses reading while it may not write, and
/// now and then for a while besides.
private final class BufferedEcho: BufferedProtocol {
    private let capacity: Int
    private let book: Book
    private let transport: any Transport
    private var isPaused: Bool
    private var isLent = false
    private var isLost = false
    private var updates = 0
    private var resumption: TimerHandle?

    init(_ capacity: Int, isPaused: Bool, _ transport: any Transport, _ book: Book) {
        self.capacity = capacity
        self.isPaused = isPaused
        self.transport = transport
        self.book = book
        book.owe("the buffered echo loses its connection") { [weak self] in self?.isLost ?? true }
    }

    func getBuffer(sizeHint: Int) throws -> OwnedBuffer {
        book.expect(!isLent, "a second buffer was asked for")
        book.expect(!isLost, "a buffer was asked for after the end")
        isLent = true
        return OwnedBuffer(capacity: capacity)
    }

    func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) throws {
        book.expect(isLent, "a buffer came that was not lent")
        book.expect(
            count > 0 && count == buffer.count,
            "\(count) bytes came into a buffer that has \(buffer.count)"
        )
        isLent = false
        updates += 1
        transport.write(buffer)
        if isPaused || updates % 5 == 0 { pauseForAWhile() }
    }

    func bufferReturned(_ buffer: consuming OwnedBuffer) {
        book.expect(isLent, "a buffer was returned that was not lent")
        book.expect(buffer.count == 0, "a buffer was returned with \(buffer.count) bytes")
        isLent = false
    }

    private func pauseForAWhile() {
        transport.pauseReading()
        guard resumption == nil, let loop = try? getRunningLoop() else { return }
        let pause = Duration.microseconds(updates % 3 * 20)
        resumption = try? loop.callLater(pause) { [weak self] in
            guard let self else { return }
            resumption = nil
            if !isPaused, !isLost { transport.resumeReading() }
        }
    }

    func pauseWriting() {
        book.expect(!isPaused, "the buffered echo was paused twice")
        isPaused = true
    }

    func resumeWriting() {
        book.expect(isPaused, "the buffered echo was resumed without a pause")
        isPaused = false
        if resumption == nil { transport.resumeReading() }
    }

    func eofReceived() throws -> Bool {
        transport.writeEOF()
        return false
    }

    func connectionLost(_ error: (any Error)?) {
        book.expect(!isLost, "the buffered echo was lost twice")
        book.expect(!isLent, "a buffer was not given back")
        isLost = true
        resumption?.cancel()
    }
}
