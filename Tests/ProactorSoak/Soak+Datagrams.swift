@testable import Proactor

extension Soak {
    /// Two endpoints that send each other datagrams; some may be lost, none may be changed.
    func datagramScenario() async throws {
        let lives = lives
        let (echo, _) = try await loop.createDatagramEndpoint(localAddress: ("127.0.0.1", 0)) {
            SoakDatagramEcho(lives: lives)
        }
        defer { echo.abort() }
        let port = echo.extraInfo(.socketName)?.port ?? 0
        let (transport, client) = try await loop.createDatagramEndpoint(remoteAddress: ("127.0.0.1", port)) {
            SoakDatagramClient(lives: lives, loop: self.loop)
        }
        do {
            for _ in 0..<random.number(1...30) {
                let bytes = random.bytes(random.number(0...1400))
                client.sent.insert(bytes)
                try transport.sendTo(bytes.span.bytes, nil)
                if random.oneIn(5) { await Task.yield() }
            }
            if random.oneIn(2) { try await Task.sleep(for: random.microseconds(0...3000)) }
        } catch is CancellationError {
            // It is closed in any case.
        }
        if random.oneIn(2) { transport.close() } else { transport.abort() }
        await client.lost.untilDoneRegardless()
        if let problem = client.problem { throw problem }
        try Task.checkCancellation()
    }
}

/// Sends every datagram back.
private final class SoakDatagramEcho: CountedLife, DatagramProtocol {
    private var transport: (any DatagramTransport)?

    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        try transport?.sendTo(data, source)
    }
    func connectionLost(_ error: (any Error)?) { transport = nil }
}

/// Checks that what comes back was sent.
private final class SoakDatagramClient: CountedLife, DatagramProtocol {
    var sent: Set<[UInt8]> = []
    private(set) var problem: SoakProblem?
    let lost: Future<Void>

    init(lives: SoakCounter, loop: BaseEventLoop) {
        lost = loop.createFuture()
        super.init(lives: lives)
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) {
        if !sent.contains(data.withUnsafeBytes { Array($0) }) {
            problem = SoakProblem("a datagram came that was never sent")
        }
    }

    func connectionLost(_ error: (any Error)?) { try? lost.setResult() }
}
