import CLines
import Proactor

/// Sends each line back that begins with '?', and only looks at all others.
final class AskConnection: StreamProtocol {
    private var transport: (any Transport)?
    private var lines = clines()

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        guard let transport else { return }
        // The memory is only read, and only within the call; a question lies in it or in `lines`.
        data.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            var position = 0
            var question: UnsafePointer<UInt8>?
            while true {
                let count = clines_next_question(&lines, start, bytes.count, &position, &question)
                guard count > 0, let question else { return }
                transport.write(RawSpan(_unsafeStart: question, byteCount: count))
            }
        }
    }

    func pauseWriting() {
        // A peer that asks without reading would otherwise fill the memory.
        transport?.pauseReading()
    }

    func resumeWriting() {
        transport?.resumeReading()
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
    }
}
