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

    nonisolated(nonsending) private func sendAll(
        _ bytes: UnsafeRawBufferPointer,
        on socket: FileDescriptor
    ) async throws {
        try checkUsable("sockSendAll")
        if try !takeSide(.write, of: socket, for: .send) { try await waitForTurn(.write, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .write) }
        try checkCancellation()
        guard bytes.count > 0 else { return }
        var rest = bytes
        var mayWait = false
        if bytes.count >= backend.immediateSendSize,
            descriptors.allowsImmediateSend(socket, turn: turnNumber)
        {
            let count = backend.system.sendWithoutWaiting(rest, on: socket)
            guard count >= 0 else { throw callFailed(.send, Int32(count), socket) }
            rest = .init(rebasing: rest[count...])
            guard rest.count > 0 else { return }
            if count == 0, sendsWholeUnixMessages(socket) {
                return try await sendUnixDatagram(rest, on: socket)
            }
            mayWait = true
        }
        // One send at a time: two in flight could change places.
        while rest.count > 0 {
            let operation: IOOperation = mayWait ? .send(socket, rest) : .sendNow(socket, rest)
            let result = try await AwaitedOperation.perform(operation, keeping: nil, on: self)
            if result == -Self.wouldBlock, !mayWait {
                // Only now is it worth a call to know what kind of socket this is.
                if sendsWholeUnixMessages(socket) { return try await sendUnixDatagram(rest, on: socket) }
                mayWait = true
                continue
            }
            guard result >= 0 else { throw callFailed(.send, result, socket) }
            rest = .init(rebasing: rest[Int(result)...])
            // What took a part is a stream.
            mayWait = true
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
