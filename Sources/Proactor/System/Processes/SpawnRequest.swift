import SystemPackage

/// What ``ProcessCalls/spawn(_:)`` starts. No string holds a zero byte.
package struct SpawnRequest: Sendable {
    /// What stands in one of the child's first three descriptors.
    package enum Source: Sendable {
        case inherited
        case null
        case descriptor(FileDescriptor)
        /// Whatever the child's standard output is.
        case standardOutput
    }

    /// A path, or without a slash a name that is looked up in `PATH`.
    package var program: String
    /// What follows the program's name in `argv`.
    package var arguments: [String]
    /// `nil` is this process's own.
    package var environment: [String: String]?
    package var workingDirectory: String?
    /// For standard input, output and error.
    package var sources: (Source, Source, Source)
    /// The process group to join, zero for a new one, `nil` for this process's own.
    package var group: Int32?
    package var startsSession = false
    package var closesOtherDescriptors = true
    /// Whether to open a pidfd.
    package var opensDescriptor = true
}

/// A child process that was started and is not reaped.
package struct SpawnedProcess {
    package var pid: Int32
    /// Its pidfd; `nil` when none was asked for, or when it is gone already and left no exit status, since this process
    /// ignores SIGCHLD.
    package var descriptor: FileDescriptor?

    package init(pid: Int32, descriptor: FileDescriptor? = nil) {
        self.pid = pid
        self.descriptor = descriptor
    }
}
