import Foundation
import Testing

/// One of the programs under Sources/Examples, which are built next to the tests.
///
/// To be used on a thread of the test's own: it blocks.
final class ExampleProgram {
    private let process = Process()
    private let output = Pipe()
    // Not the test run's: that would not come to its end before a program that hangs.
    private let errors = Pipe()
    private let input = Pipe()
    private var rest = Data()

    /// Starts the program with this target name.
    ///
    /// - Parameter loop: what its loop is to be, as `PROACTOR_LOOP` names it.
    init(_ name: String, _ arguments: String..., loop: String? = nil) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.executableURL = URL(filePath: tests).deletingLastPathComponent().appending(path: name)
        process.arguments = arguments
        if let loop {
            process.environment = ProcessInfo.processInfo.environment.merging(["PROACTOR_LOOP": loop]) { $1 }
        }
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = input
        // Threads that a pool of the system's has started block all signals, and a child inherits that.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        try process.run()
        // Whoever reads from it, or waits for it, goes on then.
        TestLimit.after(TestLimit.wait) { [process] in Self.end(process) }
    }

    deinit {
        Self.end(process)
    }

    private static func end(_ process: Process) {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// Blocks until there is another line of output, and returns it.
    func nextLine() throws -> String {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeSubrange(...end) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            try #require(!more.isEmpty, "the program ended where a line was expected")
            rest += more
        }
    }

    /// Sends it a signal.
    func send(signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    /// Blocks until the program has ended, and returns what it says of its errors, and the exit code, or 128 and the signal.
    func endWithErrors() throws -> (text: String, code: Int32) {
        let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let status = process.terminationStatus
        return (text, process.terminationReason == .uncaughtSignal ? 128 + status : status)
    }

    /// Blocks until the program has ended, and returns the lines that were not read yet and the exit code.
    func end() throws -> (lines: [String], code: Int32) {
        try input.fileHandleForWriting.close()
        rest += try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try FileHandle.standardError.write(contentsOf: errors.fileHandleForReading.readToEnd() ?? Data())
        let lines = String(decoding: rest, as: UTF8.self).split(separator: "\n").map(String.init)
        return (lines, process.terminationStatus)
    }
}
