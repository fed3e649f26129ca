/// A child process by `await`: asyncio's `Process`.
///
/// Made by ``ProcessEventLoop/createSubprocessExec(_:arguments:options:limit:)`` and its kin. What its options name `.pipe` is a
/// stream here: ``stdin`` to write to, ``stdout`` and ``stderr`` to read from.
///
/// A child that writes more than a pipe and its reader hold stops until somebody reads: 64 KiB in the pipe, and twice the reader's
/// limit. So ``wait()`` alone may wait for ever, and so may one who writes much before reading.
/// ``communicate(input:limit:)-([UInt8]?,_)`` does all of it at once.
///
/// The loop keeps the child until it has ended and its pipes are closed, and reaps it in any case. Who does not read to the end
/// calls ``close()``. When the object is dropped, and nobody else has ``stdin``, the child's input ends.
///
/// Thread rule: its loop's thread only.
///
/// ```swift
/// let sort = try await loop.createSubprocessExec("sort", standardInput: .pipe, standardOutput: .pipe)
/// let (output, _) = try await sort.communicate(input: "b\na\n")
/// print(String(decoding: output, as: UTF8.self), try await sort.wait())
/// ```
public final class StreamedProcess {
    /// How much ``communicate(input:limit:)-([UInt8]?,_)`` holds of each stream unless another limit is given, in bytes: 64 MiB.
    public static let defaultOutputLimit = 64 << 20

    /// What it is made of.
    public let transport: any SubprocessTransport
    /// The child's standard input; `nil` when that is no pipe.
    public let stdin: StreamWriter?
    let streams: ProcessStreams

    init(_ transport: any SubprocessTransport, _ streams: ProcessStreams) {
        self.transport = transport
        self.streams = streams
        stdin = streams.makeWriter(of: transport)
    }

    /// The child's standard output; `nil` when that is no pipe.
    public var stdout: StreamReader? { streams.output?.reader }

    /// The child's standard error; `nil` when that is no pipe.
    public var stderr: StreamReader? { streams.errors?.reader }

    // MARK: - State

    /// The child's process number. Another process may get it once the child was reaped.
    public var pid: Int32 { transport.pid }

    /// The exit code, or minus the number of the signal that ended the child; `nil` while it runs. See
    /// ``SubprocessTransport/returnCode``.
    public var returnCode: Int32? { transport.returnCode }

    /// Waits until the child has ended, and returns its ``returnCode``, whoever else has its pipes: its output may not all have
    /// come. A child whose output nobody reads may never end: see above.
    ///
    /// Any number of tasks may wait; cancelling one of them ends its own wait only.
    ///
    /// - Throws: `CancellationError`; ``EventLoopError/closed`` when the loop was closed before the child had ended.
    @discardableResult
    public nonisolated(nonsending) func wait() async throws -> Int32 {
        try await transport.wait()
    }

    // MARK: - Signals

    /// Sends a signal, and returns whether there was a child to send it to: false once it has ended. See
    /// ``SubprocessTransport/sendSignal(_:)``.
    ///
    /// - Throws: ``ProcessError``, for a number that is no signal, or a child that this user may not signal.
    @discardableResult
    public func sendSignal(_ signal: Signal) throws(ProcessError) -> Bool {
        try transport.sendSignal(signal)
    }

    /// As ``sendSignal(_:)``, or to every process of the group that the child leads. See
    /// ``SubprocessTransport/sendSignal(_:toGroup:)``.
    ///
    /// - Throws: ``ProcessError``, as there, and for a group when the child does not lead one.
    @discardableResult
    public func sendSignal(_ signal: Signal, toGroup: Bool) throws(ProcessError) -> Bool {
        try transport.sendSignal(signal, toGroup: toGroup)
    }

    /// Asks the child to end, by SIGTERM; see ``sendSignal(_:)``.
    @discardableResult
    public func terminate() throws(ProcessError) -> Bool {
        try transport.terminate()
    }

    /// Ends the child, by SIGKILL; see ``sendSignal(_:)``.
    @discardableResult
    public func kill() throws(ProcessError) -> Bool {
        try transport.kill()
    }

    /// Ends the child and all others of the group that it leads, by SIGKILL; see ``sendSignal(_:toGroup:)``.
    @discardableResult
    public func killGroup() throws(ProcessError) -> Bool {
        try transport.killGroup()
    }

    // MARK: - The end

    /// Closes the pipes at once and kills a child that still runs; the loop reaps it. What was read into ``stdout`` and ``stderr``
    /// can be read still.
    public func close() {
        transport.close()
    }
}

@available(*, unavailable)
extension StreamedProcess: Sendable {}

extension StreamedProcess: CustomStringConvertible {
    public var description: String { "\(transport)" }
}
