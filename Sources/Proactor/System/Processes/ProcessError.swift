import SystemPackage

/// A child process that could not be started or signalled: what was tried, on which path, and the system's error.
///
/// ```swift
/// do {
///     _ = try await loop.subprocessExec("frobnicate") { Output() }
/// } catch let error as ProcessError where error.errno == .noSuchFileOrDirectory {
///     print("not installed: \(error.path ?? "?")")
/// }
/// ```
public struct ProcessError: Error, Hashable, Sendable {
    /// What was tried.
    public enum Operation: String, Hashable, Sendable {
        /// Making a pipe to the child.
        case makePipe = "making a pipe to a child process"
        /// Giving the child a descriptor of the caller's as one of its streams.
        case lendDescriptor = "giving a descriptor to a child process"
        /// Starting the program.
        case start = "starting"
        /// Entering the child's working directory.
        case enterDirectory = "entering the working directory"
        /// Sending a signal.
        case signal = "signalling a child process"
        /// Sending a signal to the process group of a child that leads none.
        case signalGroup = "signalling a child's process group"
    }

    /// What was tried.
    public let operation: Operation
    /// The system's reason.
    public let errno: Errno
    /// The program or the directory, where it is about one.
    public let path: String?

    /// An error with all its parts.
    public init(_ operation: Operation, _ errno: Errno, path: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.path = path
    }
}

extension ProcessError: FailedCall, CustomStringConvertible {
    public var description: String { message }

    var attempt: String { path.map { "\(operation.rawValue) \($0)" } ?? operation.rawValue }

    var advice: String? {
        switch (operation, errno) {
        case (.start, .noSuchFileOrDirectory):
            "look for the program, and for the interpreter that its first line names"
        case (.start, .permissionDenied): "it must be a file that this user may execute"
        case (.lendDescriptor, .badFileDescriptor):
            "what stands for a stream must be open when the child starts"
        case (.signalGroup, .invalidArgument):
            "the child leads no group: start it with ProcessOptions.group set to .new or .newSession"
        default: nil
        }
    }
}
