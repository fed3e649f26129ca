/// A child process.
///
/// Made by ``ProcessEventLoop/subprocessExec(_:arguments:options:protocolFactory:)``. The loop keeps it until the child has
/// ended and its pipes are closed, and reaps the child in any case: also after ``BaseTransport/close()``, which closes the
/// pipes at once and kills a child that still runs.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let (child, output) = try await loop.subprocessExec("/usr/bin/sort") { Collector() }
/// child.getPipeTransport(0)?.write("b\na\n")
/// child.getPipeTransport(0)?.close()
/// print(try await child.wait())
/// ```
public protocol SubprocessTransport: BaseTransport {
    /// The child's process number. Another process may get it once the child was reaped.
    var pid: Int32 { get }
    /// The exit code, or minus the number of the signal that ended the child; `nil` while it runs. 255, with a line in the
    /// log, when the program itself has reaped the child or ignores SIGCHLD.
    var returnCode: Int32? { get }
    /// The transport of standard input (0), output (1) or error (2): `nil` when that is no pipe. It writes for 0, and reads
    /// for the others.
    func getPipeTransport(_ descriptor: Int32) -> (any Transport)?
    /// Sends a signal, and returns whether there was a child to send it to: false once it has ended, never to another
    /// process that got its number. A program that reaps the child itself takes the risk that the number is another child of
    /// its own by then.
    ///
    /// - Throws: ``ProcessError``, for a number that is no signal, or a child that this user may not signal.
    @discardableResult
    func sendSignal(_ signal: Signal) throws(ProcessError) -> Bool
    /// As ``sendSignal(_:)``, or to every process of the group that the child leads: its own children and theirs, unless they have
    /// left it. That goes on when the child has ended and others of its group have not, for as long as this object is kept: it
    /// holds a descriptor for it. On kernels before Linux 6.9 it is false from the child's end on.
    ///
    /// Returns whether there was anybody to send it to. It never reaches another group that got the number.
    ///
    /// - Throws: ``ProcessError``, as there, and for a group when the child does not lead one: it does when it was started with
    ///   ``ProcessOptions/Group/new`` or ``ProcessOptions/Group/newSession``.
    @discardableResult
    func sendSignal(_ signal: Signal, toGroup: Bool) throws(ProcessError) -> Bool
    /// Waits until the child has ended, and returns its ``returnCode``. Its output may not all have come. Any number of tasks
    /// may wait; cancelling one of them ends its own wait only.
    ///
    /// - Throws: `CancellationError`.
    nonisolated(nonsending) func wait() async throws -> Int32
}

extension SubprocessTransport {
    /// Asks the child to end, by SIGTERM; see ``sendSignal(_:)``.
    @discardableResult
    public func terminate() throws(ProcessError) -> Bool {
        try sendSignal(.terminate)
    }

    /// Ends the child, by SIGKILL; see ``sendSignal(_:)``.
    @discardableResult
    public func kill() throws(ProcessError) -> Bool {
        try sendSignal(.kill)
    }

    /// Ends the child and all others of the group that it leads, by SIGKILL; see ``sendSignal(_:toGroup:)``.
    @discardableResult
    public func killGroup() throws(ProcessError) -> Bool {
        try sendSignal(.kill, toGroup: true)
    }
}
