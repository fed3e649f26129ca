/// What a program has written, and how it has ended: see
/// ``ProcessEventLoop/runProcess(_:arguments:options:input:limit:timeout:)``.
///
/// ```swift
/// let log = try await loop.runProcess("git", "log", "--oneline", timeout: .seconds(10))
/// guard log.isSuccess else { fatalError(log.errorText) }
/// for line in log.text.split(separator: "\n") { print(line) }
/// ```
public struct ProcessOutput: Hashable, Sendable {
    /// The exit code, or minus the number of the signal that ended the program.
    public let returnCode: Int32
    /// What it has written to its standard output, where that was a pipe.
    public let stdout: [UInt8]
    /// What it has written to its standard error, where that was a pipe of its own.
    public let stderr: [UInt8]

    /// The output of a program, or of one that a test makes up.
    public init(returnCode: Int32, stdout: [UInt8] = [], stderr: [UInt8] = []) {
        self.returnCode = returnCode
        self.stdout = stdout
        self.stderr = stderr
    }

    /// Whether the exit code is 0.
    public var isSuccess: Bool { returnCode == 0 }

    /// ``stdout`` as text; what is no UTF-8 becomes U+FFFD.
    public var text: String { String(decoding: stdout, as: UTF8.self) }

    /// ``stderr`` as text; what is no UTF-8 becomes U+FFFD.
    public var errorText: String { String(decoding: stderr, as: UTF8.self) }
}
