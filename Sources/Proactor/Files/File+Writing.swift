import SystemPackage

extension File {
    /// Writes all of the bytes, from `offset` on.
    ///
    /// - Throws: ``FileError``, which says how many bytes were written before it; `CancellationError`, after which any number
    ///   of them may have been; ``EventLoopError/closed``.
    nonisolated(nonsending) public func write(_ bytes: RawSpan, at offset: Int64) async throws {
        // The memory is borrowed for the whole call, and the call returns after the final completion. If the loop is closed
        // under it, it never returns, and the memory stays as it is.
        let source = bytes.withUnsafeBytes { $0 }
        try await writeAll(source, at: offset)
    }

    /// As ``write(_:at:)-(RawSpan,_)``.
    nonisolated(nonsending) public func write(_ bytes: [UInt8], at offset: Int64) async throws {
        try await write(bytes.span.bytes, at: offset)
    }

    /// As ``write(_:at:)-(RawSpan,_)``, the text as UTF-8.
    nonisolated(nonsending) public func write(_ text: String, at offset: Int64) async throws {
        try await write(Array(text.utf8), at: offset)
    }

    /// As ``write(_:at:)-(RawSpan,_)``, the bytes that the buffer holds.
    nonisolated(nonsending) public func write(
        _ buffer: borrowing OwnedBuffer,
        at offset: Int64
    ) async throws {
        // The caller has lent the buffer for the whole call, and the call returns after the final completion.
        try await writeAll(UnsafeRawBufferPointer(start: buffer.base, count: buffer.count), at: offset)
    }

    /// Returns when what was written is on the disk.
    ///
    /// - Parameter dataOnly: leave out what does not matter for reading it back, such as times (`fdatasync(2)`).
    /// - Throws: ``FileError``, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public func synchronize(dataOnly: Bool = false) async throws {
        let descriptor = try beginOperation(.synchronize)
        defer { endOperation() }
        let result = try await AwaitedOperation.perform(
            .synchronizeFile(descriptor, dataOnly: dataOnly),
            keeping: self,
            on: loop
        )
        if result < 0 { throw FileError(.synchronize, Errno(rawValue: -result), path: path) }
    }

    /// - Parameter source: valid, and changed by nobody, until this returns.
    nonisolated(nonsending) private func writeAll(
        _ source: UnsafeRawBufferPointer,
        at offset: Int64
    ) async throws {
        precondition(offset >= 0, "an offset in a file cannot be negative")
        let descriptor = try beginOperation(.write)
        defer { endOperation() }
        let nature = try nature(for: .write)
        // The whole is written before the next one's turn.
        let takesTurns = nature.contains(.waits)
        if takesTurns { try await takeSide(.write) }
        defer { if takesTurns { loop.descriptors.releaseAfterCall(descriptor, .write) } }
        var done = 0
        while done < source.count {
            let rest = UnsafeRawBufferPointer(rebasing: source[done...])
            let result = try await performWrite(descriptor, rest, at: offset + Int64(done), nature)
            guard result > 0 else {
                // A write of something that writes nothing would be tried for ever.
                let errno = result < 0 ? Errno(rawValue: -result) : .ioError
                throw FileError(.write, errno, path: path, bytesDone: done)
            }
            done += Int(result)
        }
    }

    /// One write, of as much as goes.
    nonisolated(nonsending) private func performWrite(
        _ descriptor: FileDescriptor,
        _ bytes: UnsafeRawBufferPointer,
        at offset: Int64,
        _ nature: FileNature
    ) async throws -> Int32 {
        var bytes = bytes
        if !nature.isDisjoint(with: [.fifo, .socket]) {
            return try await AwaitedOperation.perform(.pipeWrite(descriptor, bytes), keeping: self, on: loop)
        }
        if nature.contains(.waits) {
            let wait = try await AwaitedOperation.perform(
                .waitUntilWritable(descriptor),
                keeping: self,
                on: loop
            )
            guard wait >= 0 else { return wait }
            // More than there is room for would be waited for within the kernel.
            if nature.contains(.device) { bytes = .init(rebasing: bytes.prefix(Self.devicePieceSize)) }
        }
        let writing = IOOperation.writeFile(descriptor, bytes, offset: offset)
        return try await AwaitedOperation.perform(writing, keeping: self, on: loop)
    }

    /// A terminal that can be written to has room for this at least, in bytes.
    private static let devicePieceSize = 128
}
