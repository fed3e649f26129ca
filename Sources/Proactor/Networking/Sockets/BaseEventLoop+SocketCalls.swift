import SystemPackage

/// What the `sock` calls have in common.
extension BaseEventLoop {
    /// Takes one side of a socket for a call. False when another call has it: then ``waitForTurn(_:of:)`` comes first.
    @inline(__always)
    func takeSide(
        _ side: Readiness,
        of socket: FileDescriptor,
        for operation: SocketError.Operation
    ) throws -> Bool {
        if !descriptors.covers(socket) { try checkIsOpen(socket, for: operation) }
        return try descriptors.takeForCall(socket, side)
    }

    @inline(never)
    private func checkIsOpen(
        _ socket: FileDescriptor,
        for operation: SocketError.Operation
    ) throws(SocketError) {
        // What is open and no socket is the operation's to refuse.
        do { _ = try system.option(.socketType, of: socket) } catch .badFileDescriptor {
            throw SocketError(operation, .badFileDescriptor)
        } catch {}
    }

    /// Returns when the side is the caller's. First come, first served.
    nonisolated(nonsending) func waitForTurn(_ side: Readiness, of socket: FileDescriptor) async throws {
        let turn = createFuture()
        descriptors.enqueue(turn, for: socket, side)
        do {
            try await turn.value()
        } catch {
            descriptors.dequeue(turn, for: socket, side)
            throw error
        }
    }

    /// The error for a call that ended with minus errno.
    func callFailed(
        _ operation: SocketError.Operation,
        _ result: Int32,
        _ socket: FileDescriptor,
        _ address: SocketAddress? = nil
    ) -> SocketError {
        let errno = Errno(rawValue: -result)
        // Nobody cancelled the task, so the loop has ended the call: the socket was closed under it.
        guard errno != .canceled else { return SocketError(operation, .badFileDescriptor, address: address) }
        let peer = address ?? (try? system.peerAddress(of: socket))
        return SocketError(operation, errno, address: peer)
    }
}
