import Proactor
import ProactorTesting

extension Scenario {
    /// One server, three clients, some sixty messages that come back.
    public static let standard = Scenario("standard") { simulation, book in
        let server = try simulation.host("server")
        server.start {
            let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 7) {
                EchoProtocol("server", book)
            }
            try await server.serveForever()
        }
        var done = 0
        for number in 0..<3 {
            let client = try simulation.host("client\(number)")
            let sizes = (0..<20).map { _ in 1 + simulation.choice(below: 200) }
            client.start {
                let loop = try getRunningLoop()
                let (transport, talker) = try await connect(loop) { TalkingProtocol(number, sizes, book) }
                book.owe("client \(number) gets all back") { talker.isDone }
                try await talker.wait()
                transport.close()
                done += 1
            }
        }
        try simulation.run(until: { done == 3 }, within: .seconds(600))
        try simulation.run(for: .seconds(5))
        try simulation.finish()
    }

    /// Connects, again and again as long as the server does not listen yet.
    nonisolated(nonsending) private static func connect(
        _ loop: any AbstractEventLoop,
        _ factory: @escaping () -> TalkingProtocol
    ) async throws -> (any Transport, TalkingProtocol) {
        while true {
            do {
                return try await loop.createConnection(host: "10.0.0.1", port: 7, protocolFactory: factory)
            } catch is SocketError {
                try await sleep(for: .milliseconds(5))
            }
        }
    }
}

/// Sends messages, one when the last has come back, and checks what comes.
final class TalkingProtocol: CheckedProtocol {
    private var sizes: ArraySlice<Int>
    private var outgoing: ByteStream
    private var expected: ByteStream
    private var finished: Future<Void>?
    private(set) var isDone = false

    init(_ number: Int, _ sizes: [Int], _ book: Book) {
        self.sizes = sizes[...]
        outgoing = ByteStream(number)
        expected = ByteStream(number)
        super.init("client \(number)", book)
    }

    nonisolated(nonsending) func wait() async throws {
        guard !isDone else { return }
        let future = try getRunningLoop().createFuture(of: Void.self)
        finished = future
        try await future.value()
    }

    override func made(_ transport: any Transport) throws { speak() }

    override func received(_ bytes: [UInt8]) throws {
        book.expect(expected.takes(bytes), "\(name): bytes lost, doubled or out of order")
        if expected.count == outgoing.count { speak() }
    }

    private func speak() {
        guard let size = sizes.popFirst() else {
            isDone = true
            _ = finished?.trySetResult(())
            return
        }
        transport?.write(outgoing.next(size))
    }

    override func lost(_ error: (any Error)?) {
        book.expect(isDone, "\(name): lost too early: \(error.map { "\($0)" } ?? "closed")")
        _ = finished?.cancel()
    }
}
