import SystemPackage

/// A file operation that failed: what was tried, on which file, and the system's error.
///
/// ```swift
/// do {
///     let file = try await File.open("/etc/shadow", on: loop)
///     try await file.close()
/// } catch let error as FileError where error.errno == .permissionDenied {
///     print("not for us: \(error)")
/// }
/// ```
public struct FileError: Error, Hashable, Sendable {
    /// What was tried.
    public enum Operation: String, Hashable, Sendable {
        /// Opening the file.
        case open = "opening"
        /// Reading from it.
        case read = "reading"
        /// Writing to it.
        case write = "writing to"
        /// Waiting until its content is on the disk.
        case synchronize = "synchronizing"
        /// Asking for its size, kind and times.
        case status = "looking at"
        /// Closing it.
        case close = "closing"
    }

    /// What was tried.
    public let operation: Operation
    /// The system's reason.
    public let errno: Errno
    /// The file; `nil` when it was given as a descriptor.
    public let path: FilePath?
    /// Bytes that were read or written before it failed.
    public let bytesDone: Int

    /// An error with all its parts.
    public init(_ operation: Operation, _ errno: Errno, path: FilePath?, bytesDone: Int = 0) {
        self.operation = operation
        self.errno = errno
        self.path = path
        self.bytesDone = bytesDone
    }
}

extension FileError: FailedCall, CustomStringConvertible {
    public var description: String { message }

    var attempt: String { "\(operation.rawValue) \(path?.description ?? "a file")" }
    var progress: String { bytesDone > 0 ? " after \(bytesDone) bytes" : "" }

    var advice: String? {
        switch (operation, errno) {
        case (_, .socketShutdown):
            "a selector's loop does this on its default executor, which was shut down"
        case (.open, .notSupported): "it is no regular file, which regularOnly asks for"
        case (.open, .invalidArgument): "the file system may know no direct I/O"
        case (.open, _): nil
        case (_, .badFileDescriptor): "the file was closed, or opened in another mode"
        case (_, .invalidArgument): "direct I/O wants aligned memory, offsets and counts, see FileStatus"
        default: nil
        }
    }
}
