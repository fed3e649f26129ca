import SystemPackage

/// What an event loop does with processes: pipes to them, children, and signals. A part of ``AbstractEventLoop``; every loop
/// has it.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let (child, output) = try await loop.subprocessExec("/bin/ls", "-l", standardInput: .null) { Collector() }
/// try loop.addSignalHandler(.terminate) { child.close() }
/// ```
public protocol ProcessEventLoop: AnyObject {
    // MARK: Pipes

    /// Reads from a pipe, FIFO, stream socket or terminal, which the transport owns from here on. Returns when `connectionMade` was called.
    ///
    /// The protocol hears `eofReceived` when every writer is gone, and then `connectionLost(nil)`: what `eofReceived`
    /// returns does not matter. The transport that `connectionMade` is handed takes no writes.
    ///
    /// Others may share the open file, and neither notice nor do harm: whether it is non-blocking stays as it is. (Only a device that
    /// is no terminal, or a system without `/proc`, makes it non-blocking until the transport is closed.) It is read as a stream: of a pipe in packet mode (`O_DIRECT`) the bounds of packets are lost, and on a ring a packet may be
    /// cut.
    ///
    /// - Throws: ``PipeError`` for what is no pipe, such as a regular file, or is not open for reading,
    ///   ``EventLoopError/invalidArgument(_:)`` for a socket that has no peer, ``EventLoopError/invalidState(_:)`` for what is
    ///   in use already, and `CancellationError`, and in all of these cases the descriptor stays the caller's;
    ///   ``EventLoopError/closed``; what the factory throws, and then the descriptor is closed.
    nonisolated(nonsending) func connectReadPipe<Protocol: ConnectionProtocol>(
        _ pipe: FileDescriptor,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any ReadTransport, protocol: Protocol)

    /// Writes to a pipe, FIFO, stream socket or terminal, which the transport owns from here on. Returns when `connectionMade` was called.
    ///
    /// When the reader goes away the connection is lost at once: with ``PipeError/failed(_:_:)`` when something was still
    /// to be written. No SIGPIPE is raised. `writeEOF` is the same as `close`, and nothing is ever received.
    ///
    /// - Throws: as ``connectReadPipe(_:protocolFactory:)``, for what is not open for writing.
    nonisolated(nonsending) func connectWritePipe<Protocol: ConnectionProtocol>(
        _ pipe: FileDescriptor,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any WriteTransport, protocol: Protocol)

    // MARK: Child processes

    /// Starts a program as a child process and returns when `connectionMade` was called.
    ///
    /// The child is started with no signal blocked, and with no descriptor of this process's but those that `options` give
    /// it. It is waited for without SIGCHLD, so the program may handle or ignore that as it likes. Starting takes the
    /// loop's thread for as long as the kernel needs, some tenths of a millisecond.
    /// A child that still runs when its loop closes is killed.
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`. It is also the child's `argv[0]`.
    ///   - arguments: the rest of the child's `argv`.
    ///   - options: its streams, environment, directory and group.
    ///   - protocolFactory: called first; when it throws, nothing is started.
    /// - Throws: ``ProcessError``, with the path, when the program cannot be started;
    ///   ``EventLoopError/invalidArgument(_:)`` for text with a zero byte in it; `CancellationError`, and then nothing is
    ///   started; ``EventLoopError/closed``; what the factory throws.
    nonisolated(nonsending) func subprocessExec<Protocol: SubprocessProtocol>(
        _ program: String,
        arguments: [String],
        options: ProcessOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol)

    /// As ``subprocessExec(_:arguments:options:protocolFactory:)``, with a command line for `/bin/sh -c`. Quote what comes
    /// from outside: the shell runs whatever the text says.
    nonisolated(nonsending) func subprocessShell<Protocol: SubprocessProtocol>(
        _ command: String,
        options: ProcessOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol)

    // MARK: Signals

    /// Calls `callback` on the loop's thread, among its other callbacks, whenever the process receives `signal`, and
    /// replaces the handler that this loop had for it. A signal wakes a loop that waits. Signals that come faster than the
    /// loop turns are told once, as the kernel does it.
    ///
    /// Any number of loops, on any threads, may handle the same signal: each is told. While one does, the signal's
    /// disposition is the library's; when the last handler is removed, or its loop closed, the signal gets the disposition
    /// back that it had before the first.
    ///
    /// - Throws: ``SignalError`` for what is no signal or cannot be handled; ``EventLoopError/closed``.
    func addSignalHandler(_ signal: Signal, _ callback: @escaping () throws -> Void) throws

    /// Removes this loop's handler of a signal. Returns false when there was none.
    ///
    /// - Throws: ``EventLoopError/closed``.
    @discardableResult
    func removeSignalHandler(_ signal: Signal) throws(EventLoopError) -> Bool
}
