import SystemPackage

extension BaseEventLoop {
    @discardableResult
    nonisolated(nonsending) public func sendFile(
        _ transport: any Transport,
        _ file: File,
        offset: Int64,
        count: Int64?,
        fallback: Bool
    ) async throws -> Int64 {
        try checkMayBegin("sendFile")
        guard !transport.isClosing else {
            throw EventLoopError.invalidState("sendFile was called on a transport that is closing")
        }
        return try await send(file, offset, count) { sender in
            guard let transport = transport as? StreamSocketTransport else {
                guard fallback else { throw SendFileError.notAvailable(nil) }
                guard let tls = transport as? TLSTransport else {
                    return try await sender.copy(through: transport)
                }
                return try await self.copy(sender, over: tls)
            }
            try await self.send(sender, over: transport, fallback: fallback)
        }
    }

    @discardableResult
    nonisolated(nonsending) public func sockSendFile(
        _ socket: FileDescriptor,
        _ file: File,
        offset: Int64,
        count: Int64?,
        fallback: Bool
    ) async throws -> Int64 {
        try checkMayBegin("sockSendFile")
        if try !takeSide(.write, of: socket, for: .send) { try await waitForTurn(.write, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .write) }
        let type: Int32
        do {
            type = try system.option(.socketType, of: socket)
            try system.adopt(socket)
        } catch {
            throw SocketError(.inspect, error)
        }
        guard SocketType(rawValue: type) == .stream else {
            throw EventLoopError.invalidArgument("socket \(socket.rawValue) is not a stream socket")
        }
        return try await send(file, offset, count) { sender in
            try await sender.send(to: SocketFileSink(loop: self, socket: socket), fallback: fallback)
        }
    }

    /// What both have in common: the checks, and the file's position, whatever becomes of it.
    nonisolated(nonsending) private func send(
        _ file: File,
        _ offset: Int64,
        _ count: Int64?,
        _ body: nonisolated(nonsending) (FileSender) async throws -> Void
    ) async throws -> Int64 {
        guard offset >= 0, count ?? 0 >= 0 else {
            throw EventLoopError.invalidArgument("a file's offset and count cannot be negative")
        }
        guard file.loop === self else {
            throw EventLoopError.invalidArgument("\(file) belongs to another event loop")
        }
        let descriptor = try file.beginOperation(.read)
        defer { file.endOperation() }
        let sender = FileSender(file, descriptor, offset: offset, count: count)
        defer { file.position = offset + sender.sent }
        try await body(sender)
        return sender.sent
    }

    /// TLS has to see the bytes.
    nonisolated(nonsending) private func copy(_ sender: FileSender, over transport: TLSTransport) async throws
    {
        guard transport.loop === self else {
            throw EventLoopError.invalidArgument("\(transport) belongs to another event loop")
        }
        let writing = try transport.beginWritingFile()
        // What the protocol would answer now could not be written.
        let wasReading = transport.isReading
        transport.pauseReading()
        defer {
            transport.endWritingFile()
            if wasReading { transport.resumeReading() }
        }
        try await sender.copy(by: writing)
    }

    nonisolated(nonsending) private func send(
        _ sender: FileSender,
        over transport: StreamSocketTransport,
        fallback: Bool
    ) async throws {
        guard transport.loop === self else {
            throw EventLoopError.invalidArgument("\(transport) belongs to another event loop")
        }
        let sending = try transport.beginSendingFile()
        // What the protocol would answer now could not be written.
        let wasReading = transport.isReading
        transport.pauseReading()
        defer {
            transport.endSendingFile()
            if wasReading { transport.resumeReading() }
        }
        do {
            try await sender.send(
                to: TransportFileSink(transport: transport, sending: sending),
                fallback: fallback
            )
        } catch let error as SendFileError {
            if case .connectionLost(let errno?, _) = error {
                transport.loseConnection(SocketError(.send, errno, address: transport.peerAddress))
            }
            throw error
        }
    }
}
