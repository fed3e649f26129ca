import Glibc
import SystemPackage

/// One stretch of a file that is sent, in whichever way, and how far that has come.
final class FileSender {
    private let loop: BaseEventLoop
    private let file: File
    private let descriptor: FileDescriptor
    private let offset: Int64
    /// `nil` is to the end of the file.
    private let count: Int64?
    private(set) var sent: Int64 = 0

    /// How much is read and written at a time where the system does not do it, in bytes.
    private static let pieceSize = 128 * 1024
    /// What says that the system cannot do it, rather than that it went wrong: this kind of file or socket, or no pipes left.
    private static let unavailable: [Errno] = [
        .invalidArgument, .noFunction, .notSupported, .illegalSeek, .tooManyOpenFiles,
        .tooManyOpenFilesInSystem,
    ]
    /// Where the system does not say what went wrong, this is about the file.
    private static let aboutFiles: [Errno] = [
        .ioError, .isDirectory, .badFileDescriptor, .overflow, .staleNFSFileHandle,
    ]

    /// - Parameter descriptor: the file's, for as long as this object is used.
    init(_ file: File, _ descriptor: FileDescriptor, offset: Int64, count: Int64?) {
        loop = file.loop
        self.file = file
        self.descriptor = descriptor
        self.offset = offset
        self.count = count
    }

    private var left: Int64 { count.map { $0 - sent } ?? .max }

    /// Sends it, by the system or, if that cannot and `fallback` allows it, by reading and writing.
    nonisolated(nonsending) func send(to sink: some FileSink, fallback: Bool) async throws {
        guard left > 0 else { return }
        // What has to be waited for would hold up a thread of the system's.
        let waits = try file.nature(for: .read).contains(.waits)
        guard let reason = waits ? .illegalSeek : try await sendBySystem(to: sink) else { return }
        guard fallback else { throw SendFileError.notAvailable(reason) }
        try await copy(to: sink)
    }

    /// Returns why the system cannot do it, if it cannot.
    nonisolated(nonsending) private func sendBySystem(to sink: some FileSink) async throws -> Errno? {
        let transfer = FileTransfer(socket: sink.socket, file: descriptor, offset: offset, count: left)
        let memory = FileTransferMemory(transfer)
        // Whatever becomes of it, this is how far it came.
        defer { sent = memory.pointer.pointee.sent }
        let result = try await sink.perform(.sendFile(memory.pointer), keeping: memory)
        guard result < 0 else { return nil }
        let errno = Errno(rawValue: -result)
        let progress = memory.pointer.pointee
        if progress.sent == 0, Self.unavailable.contains(errno) { return errno }
        throw failure(errno, isFileAtFault: progress.isFileAtFault, sent: progress.sent)
    }

    // MARK: - Reading and writing

    nonisolated(nonsending) private func copy(to sink: some FileSink) async throws {
        let piece = FilePiece(capacity: Self.pieceSize)
        while left > 0 {
            let bytes = try await readPiece(into: piece)
            guard bytes.count > 0 else { return }
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                let result = try await sink.perform(.send(sink.socket, rest), keeping: piece)
                guard result > 0 else {
                    throw failure(Errno(rawValue: -result), isFileAtFault: false, sent: sent)
                }
                done += Int(result)
                sent += Int64(result)
            }
        }
    }

    /// For a transport that has no socket of its own to send a file to, such as one that encrypts.
    nonisolated(nonsending) func copy(through transport: any Transport) async throws {
        let gate = FileFallbackProtocol(transport, loop: loop)
        defer { gate.restore() }
        let piece = FilePiece(capacity: Self.pieceSize)
        try await gate.drained()
        while left > 0 {
            let bytes = try await readPiece(into: piece)
            guard bytes.count > 0 else { return }
            guard !gate.isLost, !transport.isClosing else {
                throw SendFileError.connectionLost(gate.lossReason, bytesSent: sent)
            }
            transport.write(bytes.bytes)
            do {
                try await gate.drained()
            } catch {
                // The transport has them, and goes on without us.
                sent += Int64(bytes.count)
                throw error
            }
            guard !gate.isLost else { throw SendFileError.connectionLost(gate.lossReason, bytesSent: sent) }
            sent += Int64(bytes.count)
        }
    }

    /// Over TLS: a piece is read while the one before it is sent.
    nonisolated(nonsending) func copy(by writing: TLSFileWriting) async throws {
        guard left > 0 else { return }
        let piece = FilePiece(capacity: Self.pieceSize)
        while left > 0, !writing.isLost {
            let bytes = try await readPiece(into: piece)
            guard bytes.count > 0 else { break }
            writing.write(bytes)
            // The transport has them, and goes on without us if it must.
            sent += Int64(bytes.count)
            try await writing.untilRoom()
        }
        try await writing.untilSent()
        guard writing.isLost else { return }
        sent = writing.sealed
        throw SendFileError.connectionLost(writing.lossReason, bytesSent: sent)
    }

    /// The next bytes of the file, in the piece's memory; none at its end.
    nonisolated(nonsending) private func readPiece(into piece: FilePiece) async throws
        -> UnsafeRawBufferPointer
    {
        let wanted = Int(min(left, Int64(piece.memory.count)))
        let target = UnsafeMutableRawBufferPointer(rebasing: piece.memory[..<wanted])
        let result = try await file.performRead(descriptor, target, at: offset + sent, keeping: piece)
        guard result >= 0 else { throw failure(Errno(rawValue: -result), isFileAtFault: true, sent: sent) }
        return UnsafeRawBufferPointer(rebasing: target[..<Int(result)])
    }

    private func failure(_ errno: Errno, isFileAtFault: Bool, sent: Int64) -> SendFileError {
        if isFileAtFault || Self.aboutFiles.contains(errno) {
            return .fileFailed(errno, path: file.path, bytesSent: sent)
        }
        // An operation that the transport cancelled itself has no reason of its own.
        return .connectionLost(errno == .canceled ? nil : errno, bytesSent: sent)
    }
}

/// Memory for a piece of a file on its way, aligned so that a file opened for direct I/O takes it too.
private final class FilePiece {
    let memory: UnsafeMutableRawBufferPointer

    init(capacity: Int) {
        memory = .allocate(byteCount: capacity, alignment: 4096)
    }

    deinit {
        // Operations keep this object until their final completion.
        memory.deallocate()
    }
}
