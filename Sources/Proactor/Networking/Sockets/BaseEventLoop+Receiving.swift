import SystemPackage

extension BaseEventLoop {
    /// The most that one receive is asked for, in bytes: the kernel's own limit.
    private static let receiveMax = 0x7fff_f000

    nonisolated(nonsending) public func sockRecv(
        _ socket: FileDescriptor,
        upTo maxCount: Int
    ) async throws -> [UInt8] {
        try checkUsable("sockRecv")
        try checkRoom(maxCount)
        if try !takeSide(.read, of: socket, for: .receive) { try await waitForTurn(.read, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .read) }
        guard comesInAnyPieces(socket) else { return try await receiveMessage(upTo: maxCount, from: socket) }
        let received = try await AwaitedOperation.receive(
            .receiveOnce(socket, maxCount: Int32(min(maxCount, Self.receiveMax))),
            keeping: nil,
            on: self
        )
        if received.result <= 0 { descriptors.noteStream(socket, false) }
        guard received.result >= 0 else { throw callFailed(.receive, received.result, socket) }
        return received.bytes
    }

    /// Whether what is received may be cut anywhere: a stream. Each socket is asked once.
    @inline(__always)
    private func comesInAnyPieces(_ socket: FileDescriptor) -> Bool {
        descriptors.isStream(socket) || isFoundToBeStream(socket)
    }

    @inline(never)
    private func isFoundToBeStream(_ socket: FileDescriptor) -> Bool {
        let type = try? backend.system.option(.socketType, of: socket)
        guard type == SocketType.stream.rawValue else { return false }
        descriptors.noteStream(socket, true)
        return true
    }

    /// Into memory that has room for all of a message: what finds none would be lost, and the backend's buffers are not as large.
    nonisolated(nonsending) private func receiveMessage(
        upTo maxCount: Int,
        from socket: FileDescriptor
    ) async throws -> [UInt8] {
        var buffer = OwnedBuffer(capacity: min(maxCount, Self.receiveMax))
        let operation = IOOperation.receiveInto(socket, buffer.unfilled)
        let result = try await AwaitedOperation.perform(operation, keeping: nil, on: self)
        guard result >= 0 else { throw callFailed(.receive, result, socket) }
        buffer.didFill(Int(result))
        return buffer.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
    }

    nonisolated(nonsending) public func sockRecvInto(
        _ socket: FileDescriptor,
        _ buffer: inout OwnedBuffer
    ) async throws -> Int {
        try checkUsable("sockRecvInto")
        // The buffer is this call's until it returns, which it does after the final completion only.
        let count = try await receive(into: buffer.unfilled, from: socket)
        buffer.didFill(count)
        return count
    }

    nonisolated(nonsending) public func sockRecvInto(
        _ socket: FileDescriptor,
        _ bytes: inout MutableRawSpan
    ) async throws -> Int {
        try checkUsable("sockRecvInto")
        // What the span stands for is this call's until it returns, which it does after the final completion only. A task
        // that never goes on, since its loop was closed, never gives the memory up either.
        let memory = bytes.withUnsafeMutableBytes { $0 }
        return try await receive(into: memory, from: socket)
    }

    nonisolated(nonsending) private func receive(
        into memory: UnsafeMutableRawBufferPointer,
        from socket: FileDescriptor
    ) async throws -> Int {
        try checkRoom(memory.count)
        if try !takeSide(.read, of: socket, for: .receive) { try await waitForTurn(.read, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .read) }
        let result = try await AwaitedOperation.perform(.receiveInto(socket, memory), keeping: nil, on: self)
        guard result >= 0 else { throw callFailed(.receive, result, socket) }
        return Int(result)
    }

    // MARK: - Datagrams

    nonisolated(nonsending) public func sockRecvFrom(
        _ socket: FileDescriptor,
        upTo maxCount: Int
    ) async throws -> (bytes: [UInt8], address: SocketAddress?) {
        try checkUsable("sockRecvFrom")
        try checkRoom(maxCount)
        var buffer = OwnedBuffer(capacity: min(maxCount, Self.receiveMax))
        let (count, address) = try await receiveMessage(into: buffer.unfilled, from: socket)
        buffer.didFill(count)
        let bytes = buffer.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
        return (bytes, address)
    }

    nonisolated(nonsending) public func sockRecvFromInto(
        _ socket: FileDescriptor,
        _ buffer: inout OwnedBuffer
    ) async throws -> (count: Int, address: SocketAddress?) {
        try checkUsable("sockRecvFromInto")
        // As in sockRecvInto.
        let (count, address) = try await receiveMessage(into: buffer.unfilled, from: socket)
        buffer.didFill(count)
        return (count, address)
    }

    nonisolated(nonsending) public func sockRecvFromInto(
        _ socket: FileDescriptor,
        _ bytes: inout MutableRawSpan
    ) async throws -> (count: Int, address: SocketAddress?) {
        try checkUsable("sockRecvFromInto")
        // As in sockRecvInto.
        let memory = bytes.withUnsafeMutableBytes { $0 }
        return try await receiveMessage(into: memory, from: socket)
    }

    nonisolated(nonsending) private func receiveMessage(
        into memory: UnsafeMutableRawBufferPointer,
        from socket: FileDescriptor
    ) async throws -> (count: Int, address: SocketAddress?) {
        try checkRoom(memory.count)
        if try !takeSide(.read, of: socket, for: .receive) { try await waitForTurn(.read, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .read) }
        let message = MessageMemory(receivingInto: memory)
        let result = try await AwaitedOperation.perform(
            .receiveMessage(socket, message.pointer),
            keeping: message,
            on: self
        )
        guard result >= 0 else { throw callFailed(.receive, result, socket) }
        return (Int(result), message.address)
    }

    /// Without room nothing would tell an empty receive from the end of the stream.
    private func checkRoom(_ count: Int) throws(EventLoopError) {
        guard count > 0 else { throw .invalidArgument("receiving needs room for at least one byte") }
    }
}
