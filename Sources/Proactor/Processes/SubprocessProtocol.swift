/// What a child process's transport tells: its output, the ends of its pipes, and its own end.
///
/// The order of calls: `connectionMade`; then data, ends of pipes and `processExited` in the order in which the kernel tells
/// of them, so that output may still come after the exit. But the loss of the child's input comes before the exit, on every loop,
/// unless another process has that pipe too. Then `connectionLost`, once the process has ended and all pipes are closed.
/// `pauseWriting` and `resumeWriting` are about the child's standard input. An error that a method throws goes
/// to the loop's exception handler.
///
/// ```swift
/// final class Collector: SubprocessProtocol {
///     var output: [UInt8] = []
///     func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) {
///         output.append(contentsOf: data)
///     }
/// }
/// ```
public protocol SubprocessProtocol: BaseProtocol {
    /// The child runs. An error that this throws kills it.
    func connectionMade(_ transport: any SubprocessTransport) throws
    /// The child wrote into its standard output (1) or error (2): some bytes, never none, lent for the call. An error that
    /// this throws closes the pipe.
    func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) throws
    /// One of the pipes (0, 1 or 2) is closed. `nil` is a clean end. Bytes that a child has not taken when it ends are an error,
    /// ``PipeError/failed(_:_:)`` with `Errno.brokenPipe`, also where ``processExited()`` closes the child's transport.
    func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?)
    /// The child has ended; the transport's ``SubprocessTransport/returnCode`` says how.
    func processExited()
}

extension SubprocessProtocol {
    public func connectionMade(_ transport: any SubprocessTransport) throws {}
    public func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) throws {}
    public func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?) {}
    public func processExited() {}
}
