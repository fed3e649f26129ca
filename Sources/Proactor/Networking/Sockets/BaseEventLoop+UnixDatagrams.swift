import SystemPackage

/// How tasks send on Unix sockets that keep the bounds of messages: as ``DatagramSocketTransport`` does it, and for its reasons.
/// The readiness of a connected socket is its receiver's. It says nothing of one that is named with the datagram, which is left
/// alone for a while instead.
extension BaseEventLoop {
    /// How long a full receiver is left alone.
    private static let restDuration = Duration.milliseconds(1)

    func sendsWholeUnixMessages(_ socket: FileDescriptor) -> Bool {
        let system = backend.system
        guard let type = try? system.option(.socketType, of: socket), type != SocketType.stream.rawValue
        else {
            return false
        }
        return (try? system.option(.addressFamily, of: socket)) == AddressFamily.unix.rawValue
    }

    /// - Parameter target: `nil` for where the socket is connected.
    nonisolated(nonsending) func sendUnixDatagram(
        _ bytes: UnsafeRawBufferPointer,
        to target: (address: SocketAddress, kernelForm: KernelAddress)? = nil,
        on socket: FileDescriptor
    ) async throws {
        try Task.checkCancellation()
        if !descriptors.allowsImmediateSend(socket, turn: turnNumber) {
            await Task.yield()
            try checkStillOurs(socket)
        }
        while true {
            let result = attempt(bytes, to: target?.kernelForm, on: socket)
            guard result <= 0 else { return }
            guard result == 0 || Errno(rawValue: -result) == .resourceTemporarilyUnavailable else {
                throw callFailed(.send, result, socket, target?.address)
            }
            if target != nil { try await rest() } else { try await waitForRoom(on: socket) }
            try checkStillOurs(socket)
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
                return Int32(backend.system.sendDatagrams(datagrams, on: socket, runSizeMax: &runSizeMax))
            }
        }
    }

    nonisolated(nonsending) private func waitForRoom(on socket: FileDescriptor) async throws {
        let result = try await AwaitedOperation.perform(.waitUntilWritable(socket), keeping: nil, on: self)
        guard result >= 0 else { throw callFailed(.send, result, socket) }
    }

    nonisolated(nonsending) private func rest() async throws {
        let end = createFuture()
        let timer = timers.insert(
            .callback { if end.isPending { end.succeed(()) } },
            at: time().advanced(by: Self.restDuration)
        )
        defer { timer.cancel() }
        try await end.value()
    }

    /// While the call rested, no operation was in flight that the number's next owner could have ended.
    private func checkStillOurs(_ socket: FileDescriptor) throws {
        if descriptors.hasOwner(socket) { throw SocketError(.send, .badFileDescriptor) }
    }
}
