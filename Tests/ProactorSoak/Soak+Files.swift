import SystemPackage

@testable import Proactor

extension Soak {
    /// Writes into a stretch of the file that no other scenario uses, reads it back, and sends it to an echo server.
    func fileScenario() async throws {
        guard let stretch = freeStretches.popLast() else { return }
        defer { freeStretches.append(stretch) }
        let file = try await File.open(filePath, .readWrite, on: loop)
        do {
            try await use(file, at: Int64(stretch * Self.stretchSize))
        } catch {
            try? await file.close()
            throw error
        }
        try await file.close()
    }

    private func use(_ file: File, at offset: Int64) async throws {
        let bytes = random.bytes(random.number(1...Self.stretchSize))
        try await file.write(bytes, at: offset)
        if random.oneIn(4) { try await file.synchronize() }
        guard try await file.read(count: bytes.count, at: offset) == bytes else {
            throw SoakProblem("a file holds other bytes than were written")
        }
        guard random.oneIn(2) else { return }
        let client = try await connect(random.oneIn(2) ? .tcp : .unix)
        do {
            try await send(bytes, of: file, at: offset, by: client)
        } catch is CancellationError {
            client.transport?.abort()
        } catch is SendFileError {
            // Some of the echo servers end the connection in the middle.
            client.transport?.abort()
        }
        await client.lost.untilDoneRegardless()
        if let problem = client.problem { throw problem }
        try Task.checkCancellation()
    }

    private func send(_ bytes: [UInt8], of file: File, at offset: Int64, by client: SoakClient) async throws {
        guard let transport = client.transport else { return }
        client.expect(bytes)
        if random.oneIn(8) { _ = try loop.callLater(random.microseconds(0...1000)) { transport.abort() } }
        try await loop.sendFile(transport, file, offset: offset, count: Int64(bytes.count))
        try await client.untilAllIsBack()
        client.transport?.close()
    }
}
