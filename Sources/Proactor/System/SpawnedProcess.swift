import SystemPackage

/// A child process that was started and is not reaped.
struct SpawnedProcess {
    var pid: Int32
    /// Its pidfd; `nil` when none was asked for, or when it is gone already and left no exit status, since this process
    /// ignores SIGCHLD.
    var descriptor: FileDescriptor?
}
