import SystemPackage

/// What a ``StreamWriter`` waits for.
extension StreamReaderProtocol {
    /// How often tasks write without waiting, and nothing is received, before the rest of the loop has its turn.
    private static let drainsMax: Int32 = 64

    /// Whether more may be written without a wait.
    @inline(__always)
    func mayWriteOn(_ transport: any WriteTransport) throws -> Bool {
        try binding.use("StreamWriter.drain")
        try checkCancellation()
        try checkIsWritable(transport)
        if isWritingPaused || transport.isClosing { return false }
        drainsInARow += 1
        return drainsInARow <= Self.drainsMax
    }

    /// Returns when more may be written.
    nonisolated(nonsending) func waitToWrite(_ transport: any WriteTransport) async throws {
        drainsInARow = 0
        if isWritingPaused, !transport.isClosing, let loop = binding.loop {
            guard await drainers.wait(on: loop) == .woken else { throw CancellationError() }
        } else {
            // Who writes on and on hears of a loss only when the loop has its turn.
            try await sleep(for: .zero)
        }
        try checkIsWritable(transport)
    }

    @inline(__always)
    private func checkIsWritable(_ transport: any WriteTransport) throws {
        if let failure = reader.failure { throw failure }
        if case .none = loss { return }
        try throwLoss(transport)
    }

    @inline(never)
    private func throwLoss(_ transport: any WriteTransport) throws {
        switch loss {
        case .none: return
        case .failed(let error): throw error
        case .closed where transport is PipeTransport: throw PipeError.failed(.write, .brokenPipe)
        case .closed:
            throw SocketError(.send, .brokenPipe, address: transport.extraInfo(.peerName))
        }
    }

    /// Returns when the connection is lost.
    nonisolated(nonsending) func waitClosed() async throws {
        try binding.use("StreamWriter.waitClosed")
        try checkCancellation()
        if case .none = loss, let loop = binding.loop {
            guard await closers.wait(on: loop) == .woken else { throw CancellationError() }
        }
        if case .failed(let error) = loss { throw error }
    }

    /// Returns when the connection is lost, also in a task that is cancelled: the connection is aborted then.
    nonisolated(nonsending) func waitClosedOrAbort(_ transport: any WriteTransport) async throws {
        try binding.use("StreamWriter.waitClosed")
        if case .none = loss, let loop = binding.loop, await closers.wait(on: loop) != .woken,
            case .none = loss
        {
            transport.abort()
            await closers.waitRegardless(on: loop)
        }
        if case .failed(let error) = loss { throw error }
    }
}
