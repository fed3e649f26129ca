import SystemPackage

extension SocketEventLoop {
    /// Sends all of `bytes`, in as many steps as the kernel wants.
    ///
    /// ```swift
    /// let (socket, address) = try await loop.sockAccept(listener)
    /// try await loop.sockSendAll(socket, "hello, \(address)\n")
    /// try socket.close()
    /// ```
    nonisolated(nonsending) public func sockSendAll(
        _ socket: FileDescriptor,
        _ bytes: [UInt8]
    ) async throws {
        try await sockSendAll(socket, bytes.span.bytes)
    }

    /// Sends all of `text` as UTF-8.
    nonisolated(nonsending) public func sockSendAll(
        _ socket: FileDescriptor,
        _ text: String
    ) async throws {
        try await sockSendAll(socket, Array(text.utf8).span.bytes)
    }

    /// Sends one datagram to `address`, and returns how many bytes the kernel took of it.
    @discardableResult
    nonisolated(nonsending) public func sockSendTo(
        _ socket: FileDescriptor,
        _ bytes: [UInt8],
        to address: SocketAddress
    ) async throws -> Int {
        try await sockSendTo(socket, bytes.span.bytes, to: address)
    }

    /// Sends one datagram of UTF-8 to `address`, and returns how many bytes the kernel took of it.
    @discardableResult
    nonisolated(nonsending) public func sockSendTo(
        _ socket: FileDescriptor,
        _ text: String,
        to address: SocketAddress
    ) async throws -> Int {
        try await sockSendTo(socket, Array(text.utf8).span.bytes, to: address)
    }
}
