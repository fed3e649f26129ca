import CPosix
import Logging

@testable import Proactor

/// What is logged on a thread, for tests that expect a line.
enum LogCapture {
    private static let linesByThread = ThreadLock<[UInt64: [String]]>([:])
    private static let isInstalled: Void = LoggingSystem.bootstrap { _ in Handler() }

    /// Makes loggers that are created from now on capturing ones.
    static func install() {
        isInstalled
    }

    /// Runs `body` and returns what was logged on this thread meanwhile.
    static func lines(_ body: () throws -> Void) rethrows -> [String] {
        let thread = cposix_thread_id()
        linesByThread.withLock { $0[thread] = [] }
        defer { linesByThread.withLock { $0[thread] = nil } }
        try body()
        return linesByThread.withLock { $0[thread] ?? [] }
    }

    fileprivate static func add(_ line: String) {
        let isTaken = linesByThread.withLock { lines in
            let thread = cposix_thread_id()
            guard lines[thread] != nil else { return false }
            lines[thread]?.append(line)
            return true
        }
        if !isTaken { print(line) }
    }

    private struct Handler: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            LogCapture.add("\(event.level): \(event.message)")
        }
    }
}
