import SystemPackage

/// A descriptor that is no pipe, or a pipe that failed.
///
/// ```swift
/// func connectionLost(_ error: (any Error)?) {
///     if case PipeError.failed(.write, .brokenPipe)? = error { print("nobody reads any more") }
/// }
/// ```
public enum PipeError: Error, Hashable, Sendable {
    /// What was tried.
    public enum Operation: String, Hashable, Sendable {
        /// Looking at the descriptor that was given, and seeing to it that it does not block.
        case inspect = "inspecting"
        /// Reading.
        case read = "reading from"
        /// Writing. `Errno.brokenPipe` says that the reader is gone.
        case write = "writing to"
    }

    /// Only pipes, FIFOs, stream sockets and terminals can be waited for and have no bounds of messages to lose.
    case notAPipe(DescriptorKind)
    /// It is the pipe's other end, or was opened for writing only.
    case notOpenForReading
    /// It is the pipe's other end, or was opened for reading only.
    case notOpenForWriting
    /// The system's reason.
    case failed(Operation, Errno)
}

extension PipeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notAPipe(.messageSocket):
            "a pipe's transport reads and writes a stream, and this socket keeps the bounds of messages; "
                + "use createDatagramEndpoint, or the sock calls"
        case .notAPipe(.regularFile), .notAPipe(.blockDevice):
            "a file is no pipe, FIFO, socket or terminal: it is always ready, and waits all the same; open it as a File"
        case .notAPipe(let kind):
            "a \(kind.rawValue) is no pipe, FIFO, socket or terminal: nothing tells when it can be read or written; "
                + "use it on an executor, by runInExecutor"
        case .notOpenForReading:
            "the pipe is not open for reading: connect its other end, or use connectWritePipe"
        case .notOpenForWriting:
            "the pipe is not open for writing: connect its other end, or use connectReadPipe"
        case .failed(let operation, let errno): "\(operation.rawValue) a pipe failed: \(errno)"
        }
    }
}
