/// Every read, in the form that lends what was read.
extension StreamReader {
    /// Reads what there is, up to `count` bytes, and waits while there is nothing. At the end of the stream it lends no byte.
    ///
    /// ```swift
    /// let size = try await reader.read(upTo: 65_536) { bytes in bytes.byteCount }
    /// ```
    ///
    /// - Throws: the connection's error; ``EventLoopError/invalidArgument(_:)`` for a count below zero;
    ///   ``EventLoopError/invalidState(_:)`` when another task reads; `CancellationError`, and then nothing was read;
    ///   ``EventLoopError/closed``, ``EventLoopError/noRunningLoop``; what `body` throws, and then the bytes are read.
    public nonisolated(nonsending) func read<Result>(
        upTo count: Int,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try begin("StreamReader.read")
        guard count >= 0 else {
            throw EventLoopError.invalidArgument("read(upTo:) was given a count below zero; use readToEnd()")
        }
        if buffer.isEmpty, count > 0 { try await wait(for: .bytes(1)) }
        return try take(min(count, buffer.count), body)
    }

    /// Reads all up to the end of the stream, whatever the ``limit`` is: all of it is held until it is lent.
    ///
    /// - Throws: as ``read(upTo:_:)``. What came before the connection's error is not read.
    public nonisolated(nonsending) func readToEnd<Result>(
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try begin("StreamReader.readToEnd")
        try await wait(for: .toEnd)
        return try take(buffer.count, body)
    }

    /// Reads `count` bytes, neither more nor less, whatever the ``limit`` is.
    ///
    /// ```swift
    /// let checksum = try await reader.readExactly(16_384) { bytes in
    ///     (0..<bytes.byteCount).reduce(0) { $0 &+ Int(bytes.unsafeLoad(fromByteOffset: $1, as: UInt8.self)) }
    /// }
    /// ```
    ///
    /// - Throws: ``IncompleteReadError`` when the stream ends before, with what there was, which is read; otherwise as
    ///   ``read(upTo:_:)``.
    public nonisolated(nonsending) func readExactly<Result>(
        _ count: Int,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try begin("StreamReader.readExactly")
        guard count >= 0 else {
            throw EventLoopError.invalidArgument("readExactly was given a count below zero")
        }
        if buffer.count < count { try await wait(for: .bytes(count)) }
        guard buffer.count >= count else { throw takeIncomplete(expected: count) }
        return try take(count, body)
    }

    /// Reads a line, with the newline at its end. The last line of a stream may have none, and at the end of the stream no byte
    /// is lent.
    ///
    /// - Throws: ``LimitOverrunError`` for a line longer than the ``limit``, as much of which is dropped as has come; otherwise
    ///   as ``read(upTo:_:)``.
    public nonisolated(nonsending) func readLine<Result>(
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try begin("StreamReader.readLine")
        if !find(.newline) { try await wait(for: .separator) }
        if let overrun {
            drop(search.match?.end ?? buffer.count)
            throw overrun
        }
        return try take(search.match?.end ?? buffer.count, body)
    }

    /// Reads up to a separator, and with it.
    ///
    /// ```swift
    /// let isEmpty = try await reader.readUntil("\r\n") { line in line.byteCount == 2 }
    /// ```
    ///
    /// - Throws: ``LimitOverrunError`` when there is no separator within the ``limit``, and then nothing was read;
    ///   ``IncompleteReadError`` when the stream ends before, with what there was, which is read;
    ///   ``EventLoopError/invalidArgument(_:)`` for an empty separator; otherwise as ``read(upTo:_:)``.
    public nonisolated(nonsending) func readUntil<Result>(
        _ separator: String,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(separator.utf8), body)
    }

    /// As ``readUntil(_:_:)-(String,_)``, up to a byte.
    public nonisolated(nonsending) func readUntil<Result>(
        _ separator: UInt8,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(.byte(separator), body)
    }

    /// As ``readUntil(_:_:)-(String,_)``, up to some bytes.
    public nonisolated(nonsending) func readUntil<Result>(
        _ separator: [UInt8],
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(separator), body)
    }

    /// As ``readUntil(_:_:)-(String,_)``, up to the first of several separators: what is read is the shortest piece that ends
    /// with one of them.
    public nonisolated(nonsending) func readUntil<Result>(
        anyOf separators: [[UInt8]],
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(anyOf: separators), body)
    }

    /// As ``readUntil(anyOf:_:)-([[UInt8]],_)``, up to the first of several texts.
    public nonisolated(nonsending) func readUntil<Result>(
        anyOf separators: [String],
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(anyOf: separators.map { Array($0.utf8) }), body)
    }

    @inline(__always)
    private nonisolated(nonsending) func readUntil<Result>(
        _ separator: StreamSeparator,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try begin("StreamReader.readUntil")
        if !find(separator) { try await wait(for: .separator) }
        if let overrun { throw overrun }
        guard let match = search.match else { throw takeIncomplete(expected: nil) }
        return try take(match.end, body)
    }

    // MARK: - Finding and taking

    /// Begins to search. Returns whether more bytes would change nothing.
    @inline(__always)
    private func find(_ separator: StreamSeparator) -> Bool {
        search.begin(separator)
        search.go(through: buffer, limit: limit)
        return search.isOver
    }

    /// What the search has found to be too long.
    private var overrun: LimitOverrunError? {
        if let match = search.match {
            guard match.start > limit else { return nil }
            return LimitOverrunError(
                "a separator was found, but what is before it is longer than the reader's limit",
                consumed: match.start
            )
        }
        guard search.isOverLimit else { return nil }
        return LimitOverrunError(
            "no separator was found within the reader's limit",
            consumed: search.searched
        )
    }

    /// Lends the first `count` bytes, which are read then.
    @inline(__always)
    private func take<Result>(_ count: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        isLending = true
        defer {
            isLending = false
            drop(count)
            if !fedMeanwhile.isEmpty { addFedMeanwhile() }
        }
        return try buffer.withBytes(count, body)
    }

    private func drop(_ count: Int) {
        buffer.drop(count, pool: pool)
        resumeIfDrained()
    }

    @inline(never)
    private func addFedMeanwhile() {
        buffer.append(fedMeanwhile.span.bytes, pool: pool)
        fedMeanwhile = []
        pauseIfFull()
    }

    private func takeIncomplete(expected: Int?) -> IncompleteReadError {
        IncompleteReadError(partial: take(buffer.count) { Array($0) }, expected: expected)
    }
}
