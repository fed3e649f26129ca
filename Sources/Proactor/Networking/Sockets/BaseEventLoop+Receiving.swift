import SystemPackage

extension BaseEventLoop {
    /// The most that one receive is asked for, in bytes: the kernel's own limit.
    private static let receiveMax = 0x7fff_f000

    nonisolated(nonsending) public func sockRecv(
        _ socket: FileDescriptor,
        upTo maxCount: Int
    ) async throws -> [UInt8] {
        try await receive(upTo: maxCount, from: socket) { bytes in bytes.withUnsafeBytes { Array($0) } }
    }

    nonisolated(nonsending) public func sockRecv<Result>(
        _ socket: FileDescriptor,
        upTo maxCount: Int,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await receive(upTo: maxCount, from: socket, body)
    }

    @inline(__always)
    nonisolated(nonsending) private func receive<Result>(
        upTo maxCount: Int,
        from socket: FileDescriptor,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try checkUsable("sockRecv")
        try checkRoom(maxCount)
        let isFree = try takeSide(.read, of: socket, for: .receive)
        guard isFree, let awaited = try beginReceiving(upTo: maxCount, from: socket) else {
            return try await receiveOtherwise(upTo: maxCount, from: socket, isFree: isFree, body)
        }
        return try endReceiving(awaited, await awaited.wait(), from: socket, body)
    }

    /// After another call, or messages.
    @inline(never)
    nonisolated(nonsending) private func receiveOtherwise<Result>(
        upTo maxCount: Int,
        from socket: FileDescriptor,
        isFree: Bool,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        if !isFree {
            try await waitForTurn(.read, of: socket)
            if let awaited = try beginReceiving(upTo: maxCount, from: socket) {
                return try endReceiving(awaited, await awaited.wait(), from: socket, body)
            }
        }
        defer { descriptors.releaseAfterCall(socket, .read) }
        // Into memory that has room for all of a message: what finds none would be lost, and the backend's buffers are not as large.
        let bytes = try await receiveMessage(upTo: maxCount, from: socket).bytes
        return try body(bytes.span.bytes)
    }

    // MARK: - Streams

    private func beginReceiving(upTo maxCount: Int, from socket: FileDescriptor) throws -> AwaitedOperation? {
        let maxCount = Int32(min(maxCount, Self.receiveMax))
        return try beginReceiving(.receiveOnce(socket, maxCount: maxCount), from: socket)
    }

    /// Begins to receive from a stream, whose side is the caller's; `nil` for what keeps the bounds of messages. Between this and the
    /// end a task keeps as little as can be: thousands may wait.
    @inline(never)
    private func beginReceiving(
        _ operation: IOOperation,
        from socket: FileDescriptor
    ) throws -> AwaitedOperation? {
        guard comesInAnyPieces(socket) else { return nil }
        do { return try AwaitedOperation.begin(operation, on: self) } catch {
            descriptors.releaseAfterCall(socket, .read)
            throw error
        }
    }

    /// Returns how many bytes came, and gives the side back.
    @inline(never)
    private func endReceiving(
        _ awaited: AwaitedOperation,
        _ result: Int32,
        from socket: FileDescriptor
    ) throws -> Int {
        defer { descriptors.releaseAfterCall(socket, .read) }
        let result = try awaited.end(result)
        if result <= 0 { descriptors.noteStream(socket, false) }
        guard result >= 0 else { throw callFailed(.receive, result, socket) }
        return Int(result)
    }

    /// Lends what came to `body`, and gives the side back.
    @inline(never)
    private func endReceiving<Result>(
        _ awaited: AwaitedOperation,
        _ result: Int32,
        from socket: FileDescriptor,
        _ body: (RawSpan) throws -> Result
    ) throws -> Result {
        defer { descriptors.releaseAfterCall(socket, .read) }
        let value = try awaited.end(result, lendingTo: body)
        if result <= 0 { descriptors.noteStream(socket, false) }
        guard let value else { throw callFailed(.receive, result, socket) }
        return value
    }

    /// Whether what is received may be cut anywhere: a stream. Each socket is asked once.
    @inline(__always)
    private func comesInAnyPieces(_ socket: FileDescriptor) -> Bool {
        descriptors.isStream(socket) || isFoundToBeStream(socket)
    }

    @inline(never)
    private func isFoundToBeStream(_ socket: FileDescriptor) -> Bool {
        let type = try? system.option(.socketType, of: socket)
        guard type == SocketType.stream.rawValue else { return false }
        descriptors.noteStream(socket, true)
        return true
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

    @inline(__always)
    nonisolated(nonsending) private func receive(
        into memory: UnsafeMutableRawBufferPointer,
        from socket: FileDescriptor
    ) async throws -> Int {
        try checkRoom(memory.count)
        let isFree = try takeSide(.read, of: socket, for: .receive)
        guard isFree, let awaited = try beginReceiving(.receiveInto(socket, memory), from: socket) else {
            return try await receiveOtherwise(into: memory, from: socket, isFree: isFree)
        }
        return try endReceiving(awaited, await awaited.wait(), from: socket)
    }

    /// After another call, or messages.
    @inline(never)
    nonisolated(nonsending) private func receiveOtherwise(
        into memory: UnsafeMutableRawBufferPointer,
        from socket: FileDescriptor,
        isFree: Bool
    ) async throws -> Int {
        if !isFree {
            try await waitForTurn(.read, of: socket)
            if let awaited = try beginReceiving(.receiveInto(socket, memory), from: socket) {
                return try endReceiving(awaited, await awaited.wait(), from: socket)
            }
        }
        defer { descriptors.releaseAfterCall(socket, .read) }
        return try await receiveMessage(into: memory, from: socket).count
    }

    // MARK: - Datagrams

    nonisolated(nonsending) public func sockRecvFrom(
        _ socket: FileDescriptor,
        upTo maxCount: Int
    ) async throws -> (bytes: [UInt8], address: SocketAddress?) {
        try checkUsable("sockRecvFrom")
        try checkRoom(maxCount)
        if try !takeSide(.read, of: socket, for: .receive) { try await waitForTurn(.read, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .read) }
        return try await receiveMessage(upTo: maxCount, from: socket)
    }

    nonisolated(nonsending) private func receiveMessage(
        upTo maxCount: Int,
        from socket: FileDescriptor
    ) async throws -> (bytes: [UInt8], address: SocketAddress?) {
        var buffer = OwnedBuffer(capacity: min(maxCount, Self.receiveMax))
        let (count, address) = try await receiveMessage(into: buffer.unfilled, from: socket)
        buffer.didFill(count)
        return (buffer.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }, address)
    }

    nonisolated(nonsending) public func sockRecvFromInto(
        _ socket: FileDescriptor,
        _ buffer: inout OwnedBuffer
    ) async throws -> (count: Int, address: SocketAddress?) {
        try checkUsable("sockRecvFromInto")
        // As in sockRecvInto.
        let (count, address) = try await receiveDatagram(into: buffer.unfilled, from: socket)
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
        return try await receiveDatagram(into: memory, from: socket)
    }

    nonisolated(nonsending) private func receiveDatagram(
        into memory: UnsafeMutableRawBufferPointer,
        from socket: FileDescriptor
    ) async throws -> (count: Int, address: SocketAddress?) {
        try checkRoom(memory.count)
        if try !takeSide(.read, of: socket, for: .receive) { try await waitForTurn(.read, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .read) }
        return try await receiveMessage(into: memory, from: socket)
    }

    /// One message, as the kernel keeps it. The caller has its side of the socket.
    nonisolated(nonsending) private func receiveMessage(
        into memory: UnsafeMutableRawBufferPointer,
        from socket: FileDescriptor
    ) async throws -> (count: Int, address: SocketAddress?) {
        guard !joinsDatagrams(socket) else {
            throw EventLoopError.invalidState(
                """
                socket \(socket.rawValue) joins datagrams (UDP_GRO), and a sock call would not tell one from the next: turn that \
                off, or use createDatagramEndpoint
                """
            )
        }
        let message = MessageMemory(receivingInto: memory)
        let result = try await AwaitedOperation.perform(
            .receiveMessage(socket, message.pointer),
            keeping: message,
            on: self
        )
        guard result >= 0 else { throw callFailed(.receive, result, socket) }
        // Turned on while the call waited, it has a note that finds no room here.
        if message.lacksControlMessages, joinsDatagrams(socket) {
            throw SocketError(.receive, .noBufferSpace, address: message.address)
        }
        return (Int(result), message.address)
    }

    private func joinsDatagrams(_ socket: FileDescriptor) -> Bool {
        // No other kind of socket knows the option.
        guard let value = try? system.option(.joinDatagrams, of: socket) else { return false }
        return value != 0
    }

    /// Without room nothing would tell an empty receive from the end of the stream.
    private func checkRoom(_ count: Int) throws(EventLoopError) {
        guard count > 0 else { throw .invalidArgument("receiving needs room for at least one byte") }
    }
}
