import SystemPackage

extension NetworkEventLoop {
    /// Sends a file, or a stretch of it, over a transport; see ``sendFile(_:_:offset:count:fallback:)``.
    ///
    /// ```swift
    /// let file = try await File.open("index.html", on: loop)
    /// let bytesSent = try await loop.sendFile(transport, file)
    /// try await file.close()
    /// ```
    @discardableResult
    nonisolated(nonsending) public func sendFile(
        _ transport: any Transport,
        _ file: File,
        offset: Int64 = 0,
        count: Int64? = nil
    ) async throws -> Int64 {
        try await sendFile(transport, file, offset: offset, count: count, fallback: true)
    }

    /// Sends a file, or a stretch of it, to a socket; see ``sockSendFile(_:_:offset:count:fallback:)``.
    @discardableResult
    nonisolated(nonsending) public func sockSendFile(
        _ socket: FileDescriptor,
        _ file: File,
        offset: Int64 = 0,
        count: Int64? = nil
    ) async throws -> Int64 {
        try await sockSendFile(socket, file, offset: offset, count: count, fallback: true)
    }
}
