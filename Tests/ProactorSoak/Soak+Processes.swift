@testable import Proactor

extension Soak {
    /// A child that sends back what it reads, and is killed once in a while.
    func processScenario() async throws {
        let lives = lives
        let (transport, child) = try await loop.subprocessExec("/bin/cat", standardError: .null) {
            SoakChild(lives: lives, loop: self.loop)
        }
        do {
            let input = transport.getPipeTransport(0)
            child.sent = random.bytes(random.number(0...100_000))
            input?.write(child.sent)
            switch random.number(1...5) {
            case 1: try transport.sendSignal(.kill)
            case 2:
                try await Task.sleep(for: random.microseconds(0...3000))
                try transport.sendSignal(.kill)
            case 3: transport.close()
            default: input?.close()
            }
            _ = try await transport.wait()
        } catch is CancellationError {
            // It is ended in any case.
        }
        transport.close()
        await child.lost.untilDoneRegardless()
        if let problem = child.problem { throw problem }
        try Task.checkCancellation()
    }
}

/// Checks that what comes out is what went in.
private final class SoakChild: CountedLife, SubprocessProtocol {
    var sent: [UInt8] = []
    private var received = 0
    private(set) var problem: SoakProblem?
    let lost: Future<Void>

    init(lives: SoakCounter, loop: BaseEventLoop) {
        lost = loop.createFuture()
        super.init(lives: lives)
    }

    func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) {
        data.withUnsafeBytes { bytes in
            let end = received + bytes.count
            if end > sent.count || !bytes.elementsEqual(sent[received..<end]) {
                problem = SoakProblem("a child's output is not its input, after \(received) bytes")
            }
            received = end
        }
    }

    func connectionLost(_ error: (any Error)?) { try? lost.setResult() }
}
