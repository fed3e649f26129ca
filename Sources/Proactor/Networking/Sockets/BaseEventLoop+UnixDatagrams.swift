import SystemPackage

/// How tasks send on Unix sockets that keep the bounds of messages: as ``DatagramSocketTransport`` does it, and for its reasons.
/// The readiness of a connected socket is its receiver's. It says nothing of one that is named with the datagram, which is left
/// alone for a while instead, and given up when it takes nothing for too long.
extension BaseEventLoop {
    /// How long a full receiver is left alone, at first and at last.
    private static let restMin = Duration.milliseconds(1)
    private static let restMax = Duration.milliseconds(16)

    func sendsWholeUnixMessages(_ socket: FileDescriptor) -> Bool {
        guard let type = try? system.option(.socketType, of: socket), type != SocketType.stream.rawValue
        else {
            return false
        }
        return (try? system.option(.addressFamily, of: socket)) == AddressFamily.unix.rawValue
    }

    /// Where the socket is connected. The caller has its side of it.
    nonisolated(nonsending) func sendUnixDatagram(
        _ bytes: UnsafeRawBufferPointer,
        on socket: FileDescriptor
    ) async throws {
        while true {
            let result = try await attemptInTurn(bytes, to: nil, on: socket)
            guard result <= 0 else { return }
            guard Self.saysNoRoom(result) else { throw callFailed(.send, result, socket) }
            try await waitForRoom(on: socket)
            try checkStillOurs(socket)
        }
    }

    /// To a receiver that is named with the datagram. While that is full, others have their turn on the socket.
    nonisolated(nonsending) func sendUnixDatagram(
        _ bytes: UnsafeRawBufferPointer,
        to address: SocketAddress,
        _ target: KernelAddress,
        on socket: FileDescriptor
    ) async throws {
        let line = ReceiverLines.Key(socket: socket.rawValue, receiver: address)
        let start = time()
        var isFirst = false
        var restDuration = Self.restMin
        defer { if isFirst { receiverLines.leave(line) } }
        while true {
            if try await sendOnce(bytes, to: address, target, on: socket, isFirst ? nil : line) {
                if isFirst { receiverLines.took(line, at: time()) }
                return
            }
            if !isFirst, receiverLines.hasFirst(line) {
                try await waitToBeFirst(in: line)
                isFirst = true
            } else {
                if !isFirst { receiverLines.begin(line) }
                isFirst = true
                let silence = max(start, receiverLines.lastTook(line)).duration(to: time())
                guard silence < FullReceivers.patience else {
                    throw SocketError(.send, .noBufferSpace, address: address)
                }
                try await rest(restDuration)
                restDuration = min(restDuration * 2, Self.restMax)
            }
            try checkStillOurs(socket)
        }
    }

    /// False when there is no room, or others have waited for it longer, in `line`.
    nonisolated(nonsending) private func sendOnce(
        _ bytes: UnsafeRawBufferPointer,
        to address: SocketAddress,
        _ target: KernelAddress,
        on socket: FileDescriptor,
        _ line: ReceiverLines.Key?
    ) async throws -> Bool {
        if try !takeSide(.write, of: socket, for: .send) { try await waitForTurn(.write, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .write) }
        if let line, receiverLines.hasFirst(line) { return false }
        let result = try await attemptInTurn(bytes, to: target, on: socket)
        guard result <= 0 else { return true }
        guard Self.saysNoRoom(result) else { throw callFailed(.send, result, socket, address) }
        return false
    }

    private static func saysNoRoom(_ result: Int32) -> Bool {
        result == 0 || Errno(rawValue: -result) == .resourceTemporarilyUnavailable
    }

    /// An attempt, after the other tasks have run when this socket has sent much in this turn.
    nonisolated(nonsending) private func attemptInTurn(
        _ bytes: UnsafeRawBufferPointer,
        to target: KernelAddress?,
        on socket: FileDescriptor
    ) async throws -> Int32 {
        try checkCancellation()
        if !descriptors.allowsImmediateSend(socket, turn: turnNumber) {
            await Task.yield()
            try checkStillOurs(socket)
        }
        return attempt(bytes, to: target, on: socket)
    }

    nonisolated(nonsending) private func waitToBeFirst(in line: ReceiverLines.Key) async throws {
        let turn = createFuture()
        receiverLines.enqueue(turn, in: line)
        do {
            try await turn.value()
        } catch {
            receiverLines.dequeue(turn, from: line)
            throw error
        }
    }

    /// One, or zero or minus errno.
    private func attempt(
        _ bytes: UnsafeRawBufferPointer,
        to target: KernelAddress?,
        on socket: FileDescriptor
    ) -> Int32 {
        // Pointers to what lives for the call, which does not wait. No datagram has as many bytes as the count can name.
        var address = target ?? .blank
        return withUnsafeMutablePointer(to: &address.storage) { storage in
            var datagram = OutgoingDatagram()
            datagram.bytes = bytes.baseAddress.map { UnsafeRawPointer($0) }
            datagram.count = UInt32(clamping: bytes.count)
            if let target {
                datagram.address = UnsafeRawPointer(storage)
                datagram.address_length = target.length
            }
            var runSizeMax: UInt32 = 0
            return withUnsafePointer(to: &datagram) {
                let datagrams = UnsafeBufferPointer(start: $0, count: 1)
                return Int32(system.sendDatagrams(datagrams, on: socket, runSizeMax: &runSizeMax))
            }
        }
    }

    nonisolated(nonsending) private func waitForRoom(on socket: FileDescriptor) async throws {
        let result = try await AwaitedOperation.perform(.waitUntilWritable(socket), keeping: nil, on: self)
        guard result >= 0 else { throw callFailed(.send, result, socket) }
    }

    nonisolated(nonsending) private func rest(_ duration: Duration) async throws {
        let end = createFuture()
        let timer = timers.insert(
            .callback { if end.isPending { end.succeed(()) } },
            at: time().advanced(by: duration)
        )
        defer { timer.cancel() }
        try await end.value()
    }

    /// While the call rested, no operation was in flight that the number's next owner could have ended.
    private func checkStillOurs(_ socket: FileDescriptor) throws {
        if descriptors.hasOwner(socket) { throw SocketError(.send, .badFileDescriptor) }
    }
}
