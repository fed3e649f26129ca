import SystemPackage

/// Where the bytes of a file go: a socket, and the way to get at it.
protocol FileSink {
    var socket: FileDescriptor { get }
    /// Performs an operation on the socket and returns its result; ECANCELED when the connection was lost. Throws
    /// `CancellationError` when the task was cancelled and the operation ended in nothing. What `memory` owns is kept until
    /// the final completion.
    nonisolated(nonsending) func perform(
        _ operation: IOOperation,
        keeping memory: AnyObject
    ) async throws -> Int32
}

/// A socket that belongs to the caller.
struct SocketFileSink: FileSink {
    let loop: BaseEventLoop
    let socket: FileDescriptor

    nonisolated(nonsending) func perform(
        _ operation: IOOperation,
        keeping memory: AnyObject
    ) async throws -> Int32 {
        try await AwaitedOperation.perform(operation, keeping: memory, on: loop)
    }
}

/// A transport's socket.
struct TransportFileSink: FileSink {
    let transport: StreamSocketTransport
    let sending: FileSending

    var socket: FileDescriptor { transport.descriptor }

    nonisolated(nonsending) func perform(
        _ operation: IOOperation,
        keeping memory: AnyObject
    ) async throws -> Int32 {
        try await transport.perform(operation, keeping: memory, for: sending)
    }
}
