import CLoad
import Foundation

/// A program that this one started, with what it says.
struct ChildProcess: ~Copyable {
    let processID: Int32
    private let output: Int32
    private let log: Int32

    /// Starts `words` pinned to `cpu`. What it `announces` on standard output can be read; else that goes to the log.
    init(_ words: [String], cpu: Int, announces: Bool) throws(StartProblem) {
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_BACKTRACE"] = "enable=no"
        let variables = environment.map { "\($0.key)=\($0.value)" }
        var child = cload_child()
        let problem = withCStrings(words) { arguments in
            withCStrings(variables) { cload_spawn(arguments, $0, Int32(cpu), announces, &child) }
        }
        guard problem == 0 else { throw StartProblem(code: problem) }
        (processID, output, log) = (child.pid, child.output, child.log)
    }

    deinit {
        if output >= 0 { close(output) }
        close(log)
    }

    /// Why nothing was started.
    struct StartProblem: Error {
        var code: Int32
    }

    /// How a child ended that was told to.
    enum End {
        case status(Int32)
        /// It did not, and was killed.
        case killed
    }

    /// What became of reading a line.
    enum Line {
        /// Without its end.
        case whole(String)
        /// It closed its standard output, or ended, before the line was whole.
        case cut(String)
        case late
    }

    /// The first line on standard output.
    func readLine(until deadline: ContinuousClock.Instant) -> Line {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < 4_096 {
            var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let milliseconds = (deadline - .now) / .milliseconds(1)
            guard milliseconds > 0, !cload_was_interrupted() else { return .late }
            // Interrupted or too early: looked at again.
            guard poll(&wanted, 1, Int32(min(milliseconds, 1_000)) + 1) > 0 else { continue }
            guard read(output, &byte, 1) == 1 else { return .cut(String(decoding: line, as: UTF8.self)) }
            guard byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        return .whole(String(decoding: line, as: UTF8.self))
    }

    /// All that it prints until it ends; nil when that takes too long, or a signal says that nobody waits for it.
    func readAll(until deadline: ContinuousClock.Instant) -> String? {
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while ContinuousClock.now < deadline, !cload_was_interrupted() {
            var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 100) > 0 else { continue }
            let count = read(output, &piece, piece.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += piece.prefix(count)
        }
        return nil
    }

    /// Its exit status, if it has ended. After that it must not be stopped.
    func status() -> Int32? {
        var status: Int32 = 0
        return cload_has_ended(processID, &status) ? status : nil
    }

    /// Sends `signal` and waits for the end, which is enforced after `seconds`.
    func stop(by signal: Int32, within seconds: Double) -> End {
        let status = cload_stop(processID, signal, Int32(seconds * 1_000))
        return status < 0 ? .killed : .status(status)
    }

    /// The end of what it wrote to standard error, as an indented block of lines that follows a message; empty if it
    /// wrote nothing.
    var lastWords: String {
        let length = lseek(log, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: Int(min(max(length, 0), 1_500)))
        let count = pread(log, &bytes, bytes.count, length - off_t(bytes.count))
        let lines = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n")
        return lines.suffix(12).map { "\n    \($0)" }.joined()
    }
}

/// Lends `strings` as C does: an array of pointers that ends with a null.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    return body(&pointers)
}
