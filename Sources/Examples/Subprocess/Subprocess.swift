import Proactor

/// Collects what a child process prints, until it has ended and its output too.
final class DateProtocol: SubprocessProtocol {
    private let ended: Future<String>
    private var output: [UInt8] = []
    private var hasExited = false
    private var isOutputClosed = false

    init(ended: Future<String>) {
        self.ended = ended
    }

    func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) {
        output.append(contentsOf: data)
    }

    func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?) {
        isOutputClosed = true
        checkForEnd()
    }

    func processExited() {
        hasExited = true
        // The pipe may still bring what the child wrote last.
        checkForEnd()
    }

    private func checkForEnd() {
        guard hasExited, isOutputClosed else { return }
        try? ended.setResult(String(decoding: output, as: UTF8.self))
    }
}

/// Asks `/bin/date` for the date.
@main
struct Subprocess {
    static func main() {
        runMain {
            let loop = try getRunningLoop()
            let ended = loop.createFuture(of: String.self)
            let (transport, _) = try await loop.subprocessExec(
                "/bin/date",
                "+%Y-%m-%d",
                standardInput: .null,
                standardError: .inherited
            ) { DateProtocol(ended: ended) }
            let date = try await ended.value().split(separator: "\n").joined()
            transport.close()
            print("Current date: \(date)")
        }
    }
}
