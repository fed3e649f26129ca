import SystemPackage

extension ProcessEventLoop {
    /// Reads from a pipe, FIFO, stream socket or terminal by a ``StreamReader``, which owns it from here on: the twin of
    /// ``connectReadPipe(_:protocolFactory:)``.
    ///
    /// At the end of the stream the pipe is closed. To close it before, use ``StreamReader/transport``. A pipe that is not read
    /// to its end stays open until then, or until the loop is closed.
    ///
    /// ```swift
    /// let reader = try await loop.openReadPipe(.standardInput)
    /// for try await line in reader.lines { print(line.count) }
    /// ```
    ///
    /// - Parameters:
    ///   - pipe: the descriptor, whose flags stay as they are.
    ///   - limit: the reader's ``StreamReader/limit``, in bytes.
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a limit of zero or less; otherwise as
    ///   ``connectReadPipe(_:protocolFactory:)``.
    nonisolated(nonsending) public func openReadPipe(
        _ pipe: FileDescriptor,
        limit: Int = StreamReader.defaultLimit
    ) async throws -> StreamReader {
        let reader = try StreamReader(limit: limit)
        _ = try await connectReadPipe(pipe) { StreamReaderProtocol(reader) }
        return reader
    }

    /// Writes to a pipe, FIFO, stream socket or terminal by a ``StreamWriter``, which owns it from here on: the twin of
    /// ``connectWritePipe(_:protocolFactory:)``.
    ///
    /// ```swift
    /// let writer = try await loop.openWritePipe(.standardOutput)
    /// writer.write("done\n")
    /// try await writer.drain()
    /// ```
    ///
    /// - Parameter pipe: the descriptor, whose flags stay as they are.
    /// - Throws: as ``connectWritePipe(_:protocolFactory:)``.
    nonisolated(nonsending) public func openWritePipe(_ pipe: FileDescriptor) async throws -> StreamWriter {
        let reader = try StreamReader()
        let made = try await connectWritePipe(pipe) { StreamReaderProtocol(reader) }
        return StreamWriter(made.transport, made.protocol)
    }
}
