import SystemPackage

/// A file that is read and written over TLS, while nothing else may be written.
final class TLSFileWriting {
    /// How much of what was written may be unsent for more to be read: so a piece is read while the one before it is sent.
    private static let ahead = 128 * 1024

    private let loop: BaseEventLoop
    private let transport: TLSTransport
    private var written: Int64 = 0
    private var unsent: Int
    private var waiter: (atMost: Int, future: Future<Void>)?
    private(set) var isLost = false

    init(_ transport: TLSTransport) {
        self.transport = transport
        loop = transport.loop
        unsent = transport.unsentByteCount
    }

    /// How much of the file was sealed when the connection was lost: the peer has no more of it. How much of that it has, nobody knows.
    private(set) var sealed: Int64 = 0

    /// Why the connection is lost, when it was the system's doing.
    var lossReason: Errno? { (transport.lossReason as? SocketError)?.errno }

    func write(_ bytes: UnsafeRawBufferPointer) {
        written += Int64(bytes.count)
        transport.writeOfFile(bytes)
        unsent = transport.unsentByteCount
    }

    func unsentChanged(to unsent: Int) {
        self.unsent = unsent
        if let waiter, unsent <= waiter.atMost { wake() }
    }

    /// - Parameter unsealed: how many bytes of what was written are still plaintext.
    func connectionIsLost(unsealed: Int) {
        sealed = max(written - Int64(unsealed), 0)
        isLost = true
        wake()
    }

    /// Returns when there is room for another piece, or the connection is lost.
    nonisolated(nonsending) func untilRoom() async throws {
        try await untilUnsent(Self.ahead)
    }

    /// Returns when all is sent, or the connection is lost.
    nonisolated(nonsending) func untilSent() async throws {
        try await untilUnsent(0)
    }

    nonisolated(nonsending) private func untilUnsent(_ atMost: Int) async throws {
        try Task.checkCancellation()
        guard !isLost, unsent > atMost else { return }
        let future = loop.createFuture()
        waiter = (atMost, future)
        await future.untilDone { self.wake() }
        if !isLost { try Task.checkCancellation() }
    }

    private func wake() {
        guard let (_, future) = waiter else { return }
        waiter = nil
        if future.isPending { future.succeed(()) }
    }
}

extension TLSTransport {
    /// Keeps everybody else from writing until ``endWritingFile(resumesReading:)``.
    func beginWritingFile() throws -> TLSFileWriting {
        guard fileWriting == nil else { throw SendFileError.inProgress }
        guard phase == .open else {
            throw EventLoopError.invalidState("\(self) is closing, and sends no file any more")
        }
        let writing = TLSFileWriting(self)
        fileWriting = writing
        return writing
    }

    func endWritingFile() {
        fileWriting = nil
        // A close may have waited for it.
        markUnflushed()
    }

    func writeOfFile(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .open || phase == .closing else { return }
        wasUsed = true
        plaintext.append(bytes, pool: loop.buffers)
        offerGathered()
        markUnflushed()
    }
}
