import Proactor
import ProactorTesting

extension Scenario {
    /// Much more than buffers hold, both ways at once, to peers that read slowly or pause, with half-closes at the end.
    static let bulk = Scenario("bulk") { simulation, book in
        let server = try simulation.host("server")
        let limit = 1_000 + simulation.choice(below: 100_000)
        server.start {
            let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 9) {
                let echo = HalfClosingEcho("server", book)
                echo.highWaterMark = limit
                return echo
            }
            try await server.serveForever()
        }
        var done = 0
        let clients = 1 + simulation.choice(below: 3)
        for number in 0..<clients {
            let client = try simulation.host("client\(number)")
            try simulation.setLink(
                SimulatedLink(
                    latency: .microseconds(50 + simulation.choice(below: 5_000)),
                    bytesPerSecond: 1_000_000 + simulation.choice(below: 100_000_000)
                ),
                between: "server",
                and: client.name
            )
            let total = 1 + simulation.choice(below: 300_000)
            let pausing = simulation.choice(below: 2) == 0
            client.start {
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

/// Tries again a little later what could not be had.
nonisolated(nonsending) func retrying<Value>(
    _ body: nonisolated(nonsending) () async throws -> Value
) async throws -> Value {
    while true {
        do { return try await body() } catch is SocketError { try await sleep(for: .milliseconds(5)) }
    }
}

/// Sends back what comes, and ends its sending when the peer has.
final class HalfClosingEcho: CheckedProtocol {
    var highWaterMark = 65_536

    override func made(_ transport: any Transport) throws {
        try transport.setWriteBufferLimits(high: highWaterMark)
    }

    override func received(_ bytes: [UInt8]) throws {
        transport?.write(bytes)
        if isPaused { transport?.pauseReading() }
    }

    override func mayWrite() { transport?.resumeReading() }

    override func ended() throws -> Bool {
        transport?.writeEOF()
        // The other direction stays open until everything is sent; then the transport closes by itself.
        return false
    }
}

/// Sends so many bytes, as the transport takes them, ends its sending, and checks that they come back.
final class SourceProtocol: CheckedProtocol {
    private let total: Int
    private let pausing: Bool
    private var outgoing: ByteStream
    private var expected: ByteStream
    private var finished: Future<Void>?
    private var isLost = false
    private var hasSentAll = false
    private var resumption: TimerHandle?

    init(_ number: Int, _ total: Int, pausing: Bool, _ book: Book) {
        self.total = total
        self.pausing = pausing
        outgoing = ByteStream(number + 100)
        expected = ByteStream(number + 100)
        super.init("client \(number)", book)
    }

    nonisolated(nonsending) func wait() async throws {
        guard !isLost else { return }
        let future = try getRunningLoop().createFuture(of: Void.self)
        finished = future
        try await future.value()
    }

    override func made(_ transport: any Transport) throws { send() }
    override func mayWrite() { send() }

    private func send() {
        guard let transport, !hasSentAll else { return }
        while outgoing.count < total, !isPaused {
            transport.write(outgoing.next(min(10_000, total - outgoing.count)))
        }
        guard outgoing.count == total else { return }
        hasSentAll = true
        transport.writeEOF()
    }

    override func received(_ bytes: [UInt8]) throws {
        book.expect(
            expected.takes(bytes),
            "\(name): bytes lost, doubled or out of order at \(expected.count)"
        )
        guard pausing, let transport, resumption == nil else { return }
        transport.pauseReading()
        resumption = try getRunningLoop().callLater(.milliseconds(1)) { [weak self] in
            guard let self else { return }
            resumption = nil
            if isOpen { self.transport?.resumeReading() }
        }
    }

    override func ended() throws -> Bool {
        book.expect(
            expected.count == total,
            "\(name): the stream ended after \(expected.count) of \(total) bytes"
        )
        return false
    }

    override func lost(_ error: (any Error)?) {
        book.expect(error == nil, "\(name): lost by \(error.map { "\($0)" } ?? "")")
        book.expect(expected.count == total, "\(name): lost after \(expected.count) of \(total) bytes")
        isLost = true
        resumption?.cancel()
        _ = finished?.trySetResult(())
    }
}
