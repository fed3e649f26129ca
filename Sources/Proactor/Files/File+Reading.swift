import CPosix
import SystemPackage

extension File {
    /// Reads bytes from `offset` on into the room that `buffer` has left, behind the bytes that it holds, and returns how many
    /// came: zero at the end of the file, else at most ``OwnedBuffer/room``, and possibly less.
    ///
    /// - Throws: ``FileError``, `CancellationError`, ``EventLoopError/closed``.
    @discardableResult
    nonisolated(nonsending) public func read(
        into buffer: inout OwnedBuffer,
        at offset: Int64
    ) async throws -> Int {
        // The caller has lent the buffer for the whole call, and the call returns after the final completion.
        let count = try await readOnce(buffer.unfilled, at: offset)
        buffer.didFill(count)
        return count
    }

    /// As ``read(into:at:)-(OwnedBuffer,_)``, into any memory, from its beginning.
    @discardableResult
    nonisolated(nonsending) public func read(
        into span: inout MutableRawSpan,
        at offset: Int64
    ) async throws -> Int {
        // The memory is borrowed for the whole call, and the call returns after the final completion. If the loop is closed
        // under it, it never returns, and the memory stays as it is.
        let target = span.withUnsafeMutableBytes { $0 }
        return try await readOnce(target, at: offset)
    }

    /// Reads `count` bytes from `offset` on; fewer when the file ends before.
    ///
    /// - Throws: ``FileError``, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public func read(count: Int, at offset: Int64) async throws -> [UInt8] {
        precondition(count >= 0, "a count of bytes cannot be negative")
        try loop.checkMayBegin("File.read")
        var bytes: [UInt8] = []
        var buffer = OwnedBuffer(capacity: min(count, Self.pieceSize))
        while bytes.count < count {
            buffer.removeAll()
            let wanted = min(buffer.capacity, count - bytes.count)
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer.unfilled[..<wanted])
            // The buffer lives until the call is over, and nobody else has it.
            let received = try await readOnce(target, at: offset + Int64(bytes.count))
            guard received > 0 else { break }
            buffer.didFill(received)
            buffer.withBytes { span in span.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        }
        return bytes
    }

    /// How much ``read(count:at:)`` asks for at a time, in bytes.
    private static let pieceSize = 1 << 20

    /// - Parameter target: valid, and nobody else's, until this returns.
    nonisolated(nonsending) private func readOnce(
        _ target: UnsafeMutableRawBufferPointer,
        at offset: Int64
    ) async throws -> Int {
        precondition(offset >= 0, "an offset in a file cannot be negative")
        let descriptor = try beginOperation(.read)
        defer { endOperation() }
        guard target.count > 0 else { return 0 }
        let result = try await performRead(descriptor, target, at: offset, keeping: self)
        guard result >= 0 else { throw FileError(.read, Errno(rawValue: -result), path: path) }
        return Int(result)
    }

    /// One read, of as much as there is. What has to be waited for is read by readiness, which takes no thread on any loop, and
    /// by one task at a time.
    ///
    /// - Parameter memory: owns the target, or whoever waits for the call keeps it.
    nonisolated(nonsending) func performRead(
        _ descriptor: FileDescriptor,
        _ target: UnsafeMutableRawBufferPointer,
        at offset: Int64,
        keeping memory: AnyObject
    ) async throws -> Int32 {
        let reading = IOOperation.readFile(descriptor, target, offset: offset)
        let nature = try nature(for: .read)
        guard nature.contains(.waits) else {
            return try await AwaitedOperation.perform(reading, keeping: memory, on: loop)
        }
        try await takeSide(.read)
        defer { loop.descriptors.releaseAfterCall(descriptor, .read) }
        if nature.contains(.stream) {
            let reading = IOOperation.pipeReadInto(descriptor, target)
            return try await AwaitedOperation.perform(reading, keeping: memory, on: loop)
        }
        let wait = try await AwaitedOperation.perform(.waitUntilReadable(descriptor), keeping: self, on: loop)
        guard wait >= 0 else { return wait }
        return try await AwaitedOperation.perform(reading, keeping: memory, on: loop)
    }

    /// What the file system knows of the file.
    ///
    /// - Throws: ``FileError``, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public func status() async throws -> FileStatus {
        let descriptor = try beginOperation(.status)
        defer { endOperation() }
        let memory = FileStatusMemory()
        let result = try await AwaitedOperation.perform(
            .fileStatus(descriptor, memory.pointer),
            keeping: memory,
            on: loop
        )
        guard result >= 0 else { throw FileError(.status, Errno(rawValue: -result), path: path) }
        return memory.read()
    }
}

/// Where an operation puts what it finds out.
final class FileStatusMemory {
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: Int(CPOSIX_STATUS_SIZE), alignment: 16)

    init() {
        pointer.initializeMemory(as: UInt8.self, repeating: 0, count: Int(CPOSIX_STATUS_SIZE))
    }

    deinit {
        // The operation keeps this object until its final completion, so the kernel is done with the memory.
        pointer.deallocate()
    }

    /// After the operation has succeeded.
    func read() -> FileStatus {
        var raw = cposix_file_status()
        cposix_read_status(pointer, &raw)
        return FileStatus(raw)
    }
}
