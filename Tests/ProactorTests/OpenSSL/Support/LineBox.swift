@testable import Proactor

/// Lines that any thread adds.
final class LineBox: Sendable {
    private let lines = ThreadLock<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func append(_ line: String) {
        lines.withLock { $0.append(line) }
    }
}
