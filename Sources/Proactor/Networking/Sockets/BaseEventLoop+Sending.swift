import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func sockSendAll(
        _ socket: FileDescriptor,
        _ data: RawSpan
    ) async throws {
        // The span keeps its bytes in place until this call returns, which it does after the last completion only.
        try await sendAll(data.withUnsafeBytes { $0 }, on: socket)
    }

    nonisolated(nonsending) public func sockSendAll(
        _ socket: FileDescriptor,
        _ buffer: borrowing OwnedBuffer
    ) async throws {
        // The buffer is borrowed for the call, as above.
        try await sendAll(buffer.filled, on: socket)
    }

    @inline(__always)
    nonisolated(nonsending) private func sendAll(
        _ bytes: UnsafeRawBufferPointer,
        on socket: FileDescriptor
    ) async throws {
        try checkUsable("sockSendAll")
        guard try takeSide(.write, of: socket, for: .send) else {
            return try await sendAfterOthers(bytes, on: socket)
        }
        try await sendInTurn(bytes, on: socket)
    }

    @inline(never)
    nonisolated(nonsending) private func sendAfterOthers(
        _ bytes: UnsafeRawBufferPointer,
        on socket: FileDescriptor
    ) async throws {
        try await waitForTurn(.write, of: socket)
        try await sendInTurn(bytes, on: socket)
    }

    /// Sends when the side is the caller's, and gives it back. As a rule one send takes all, and a task that waits for it keeps as little
    /// as can be.
    @inline(__always)
    nonisolated(nonsending) private func sendInTurn(
        _ bytes: UnsafeRawBufferPointer,
        on socket: FileDescriptor
    ) async throws {
        defer { descriptors.releaseAfterCall(socket, .write) }
        var count = 0
        if let awaited = try beginSending(bytes, &count, on: socket) {
            count = try endSending(awaited, await awaited.wait(), on: socket)
        }
        guard count < bytes.count else { return }
        try await sendRest(bytes, from: count, on: socket)
    }

    /// Begins a send that does not wait for room, unless there was one at once: then it says how much that has taken.
    @inline(never)
    private func beginSending(
        _ bytes: UnsafeRawBufferPointer,
        _ count: inout Int,
        on socket: FileDescriptor
    ) throws -> AwaitedOperation? {
        try checkCancellation()
        guard bytes.count > 0 else { return nil }
        guard bytes.count >= backend.immediateSendSize,
            descriptors.allowsImmediateSend(socket, turn: turnNumber)
        else { return try AwaitedOperation.begin(.sendNow(socket, bytes), on: self) }
        count = sendWithoutWaiting(bytes, on: socket)
        guard count >= 0 else { throw callFailed(.send, Int32(count), socket) }
        return nil
    }

    /// Sends past the backend. Returns how much that has taken, or minus errno.
    // Not inlined: the loop holds its calls while a method of it runs. Inlined into a transport, each send would retain them.
    @inline(never)
    func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer, on socket: FileDescriptor) -> Int {
        system.sendWithoutWaiting(bytes, on: socket)
    }

    /// How much the send has taken.
    @inline(never)
    private func endSending(
        _ awaited: AwaitedOperation,
        _ result: Int32,
        on socket: FileDescriptor
    ) throws -> Int {
        let result = try awaited.end(result)
        guard result != -Self.wouldBlock else { return 0 }
        guard result >= 0 else { throw callFailed(.send, result, socket) }
        return Int(result)
    }

    /// Sends what the first send has left, and waits for room. One send at a time: two in flight could change places.
    @inline(never)
    nonisolated(nonsending) private func sendRest(
        _ bytes: UnsafeRawBufferPointer,
        from count: Int,
        on socket: FileDescriptor
    ) async throws {
        // What took a part is a stream. Only now is it worth a call to know what kind of socket this is.
        if count == 0, sendsWholeUnixMessages(socket) {
            return try await sendUnixDatagram(bytes, on: socket)
        }
        var rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
        while rest.count > 0 {
            let result = try await AwaitedOperation.perform(.send(socket, rest), keeping: nil, on: self)
            guard result >= 0 else { throw callFailed(.send, result, socket) }
            rest = .init(rebasing: rest[Int(result)...])
        }
    }

    private static let wouldBlock = Errno.resourceTemporarilyUnavailable.rawValue

    nonisolated(nonsending) public func sockSendTo(
        _ socket: FileDescriptor,
        _ data: RawSpan,
        to address: SocketAddress
    ) async throws -> Int {
        try checkUsable("sockSendTo")
        let target: KernelAddress
        do { target = try address.kernelForm() } catch { throw SocketError(.send, error, address: address) }
        // As in sockSendAll.
        let bytes = data.withUnsafeBytes { $0 }
        // Other sockets do not take such an address.
        if address.family == .unix {
            try await sendUnixDatagram(bytes, to: address, target, on: socket)
            return bytes.count
        }
        if try !takeSide(.write, of: socket, for: .send) { try await waitForTurn(.write, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .write) }
        let message = MessageMemory(bytes, target)
        let result = try await AwaitedOperation.perform(
            .sendMessage(socket, message.pointer),
            keeping: message,
            on: self
        )
        guard result >= 0 else { throw callFailed(.send, result, socket, address) }
        return Int(result)
    }
}
