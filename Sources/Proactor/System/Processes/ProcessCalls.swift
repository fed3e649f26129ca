import SystemPackage

/// The part of ``SystemCalls`` for pipes, child processes and signals. All of it completes at once.
package protocol ProcessCalls: AnyObject, Sendable {
    // MARK: Pipes

    /// What a descriptor stands for, and which way it is open.
    func inspect(_ descriptor: FileDescriptor) throws(Errno) -> DescriptorDescription
    /// Sees to it that nobody waits within the kernel for a pipe that others may share, nor notices.
    func adoptPipe(_ descriptor: FileDescriptor) throws(Errno) -> AdoptedPipe
    /// Of an open file that nobody shares, or has shared before it was changed.
    func setNonBlocking(_ descriptor: FileDescriptor, _ isNonBlocking: Bool) throws(Errno)
    /// Whether nobody can read any more what is written to a pipe.
    func isReaderGone(_ pipe: FileDescriptor) -> Bool
    /// A pipe, both ends blocking and close-on-exec.
    func makePipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor)

    // MARK: Files

    /// What can be expected of a file.
    func nature(of file: FileDescriptor) throws(Errno) -> FileNature
    /// Whether a FIFO that was opened for reading, non-blocking, has or had a writer.
    func hasWriter(_ fifo: FileDescriptor) throws(Errno) -> Bool

    // MARK: Child processes

    func spawn(_ request: SpawnRequest) throws(ProcessError) -> SpawnedProcess
    /// Reaps the child and returns its exit code, or minus the signal that ended it; `nil` while it runs.
    func takeExitStatus(of process: SpawnedProcess) throws(Errno) -> Int32?
    func sendSignal(_ signal: Signal, to process: SpawnedProcess) throws(Errno)
    /// Sends a signal to the whole process group that a child was started to lead, and never to another one. Once the child is
    /// reaped, its pidfd stands for the group.
    func sendSignal(_ signal: Signal, toGroupOf leader: SpawnedProcess, isReaped: Bool) throws(Errno)
    /// Kills children, reaps them and closes their descriptors, for a loop that closes. Waits for a moment at most for all of
    /// them together; those that take longer to die are reaped by a thread.
    func endProcesses(_ processes: [SpawnedProcess])

    // MARK: Signals

    /// A receiver of signals, which has none yet.
    func makeSignalWatch() throws(Errno) -> any SignalWatch
    /// Whether this process ignores a signal, as one that was started in the background ignores SIGINT.
    func isIgnored(_ signal: Signal) -> Bool
    /// Ends the program as the signal does that nobody handles.
    func endProgram(by signal: Signal) -> Never
}

/// What a descriptor stands for, and which way it is open.
package struct DescriptorDescription: Hashable, Sendable {
    package var kind: DescriptorKind
    package var isReadable: Bool
    package var isWritable: Bool

    package init(kind: DescriptorKind, isReadable: Bool, isWritable: Bool) {
        self.kind = kind
        self.isReadable = isReadable
        self.isWritable = isWritable
    }
}
