import SystemPackage

/// What ``ProcessCalls/spawn(_:)`` starts. No string holds a zero byte.
struct SpawnRequest: Sendable {
    /// What stands in one of the child's first three descriptors.
    enum Source: Sendable {
        case inherited
        case null
        case descriptor(FileDescriptor)
        /// Whatever the child's standard output is.
        case standardOutput
    }

    /// A path, or without a slash a name that is looked up in `PATH`.
    var program: String
    /// What follows the program's name in `argv`.
    var arguments: [String]
    /// `nil` is this process's own.
    var environment: [String: String]?
    var workingDirectory: String?
    /// For standard input, output and error.
    var sources: (Source, Source, Source)
    /// The process group to join, zero for a new one, `nil` for this process's own.
    var group: Int32?
    var startsSession = false
    var closesOtherDescriptors = true
    /// Whether to open a pidfd.
    var opensDescriptor = true
}

/// A child process that was started and is not reaped.
struct SpawnedProcess {
    var pid: Int32
    /// Its pidfd; `nil` when none was asked for, or when it is gone already and left no exit status, since this process
    /// ignores SIGCHLD.
    var descriptor: FileDescriptor?
}
