@testable import Proactor

/// The client's end: checks that what comes back is what was sent.
final class SoakClient: CountedLife, StreamProtocol {
    private let loop: BaseEventLoop
    private(set) var transport: (any Transport)?
    private var sent: [UInt8] = []
    private var received = 0
    private(set) var problem: SoakProblem?
    private var wanted = Int.max
    private var arrival: Future<Void>?
    /// Done when the connection is lost.
    let lost: Future<Void>

    init(lives: SoakCounter, loop: BaseEventLoop) {
        self.loop = loop
        lost = loop.createFuture()
        super.init(lives: lives)
    }

    func send(_ bytes: [UInt8]) {
        sent += bytes
        transport?.write(bytes)
    }

    /// Something else sends these bytes.
    func expect(_ bytes: [UInt8]) {
        sent += bytes
    }

    /// Returns when everything has come back, or the connection is lost.
    nonisolated(nonsending) func untilAllIsBack() async throws {
        guard received < sent.count, !lost.done else { return }
        wanted = sent.count
        let arrival = loop.createFuture()
        self.arrival = arrival
        defer { self.arrival = nil }
        try await arrival.value()
    }

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        data.withUnsafeBytes { bytes in
            let end = received + bytes.count
            if end > sent.count || !bytes.elementsEqual(sent[received..<end]) {
                problem = SoakProblem("what came back is not what was sent, after \(received) bytes")
            }
            received = end
        }
        if received >= wanted { arrived() }
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
        arrived()
        try? lost.setResult()
    }

    private func arrived() {
        if let arrival, !arrival.done { try? arrival.setResult() }
    }
}
