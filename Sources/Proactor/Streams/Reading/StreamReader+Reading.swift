/// Every read, in the form that lends what was read.
///
/// They are inlined where they are called: one that need not wait has no frame of its own on its task's stack then, and the closure
/// that is lent the bytes is a part of its caller.
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
    @inlinable
    public nonisolated(nonsending) func read<Result>(
        upTo count: Int,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        if try !beginReading(upTo: count) { try await waitForBytes(1) }
        return try lend(upTo: count, body)
    }

    /// Reads all up to the end of the stream, whatever the ``limit`` is: all of it is held until it is lent.
    ///
    /// - Throws: as ``read(upTo:_:)``. What came before the connection's error is not read.
    @inlinable
    public nonisolated(nonsending) func readToEnd<Result>(
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await waitToEnd()
        return try lend(upTo: .max, body)
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
    @inlinable
    public nonisolated(nonsending) func readExactly<Result>(
        _ count: Int,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        if try !beginReading(exactly: count) {
            try await waitForBytes(count)
            try checkHolds(count)
        }
        return try lend(count, body)
    }

    /// Reads a line, with the newline at its end. The last line of a stream may have none, and at the end of the stream no byte
    /// is lent.
    ///
    /// - Throws: ``LimitOverrunError`` for a line longer than the ``limit``, as much of which is dropped as has come; otherwise
    ///   as ``read(upTo:_:)``.
    @inlinable
    public nonisolated(nonsending) func readLine<Result>(
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        if try !beginReadingLine() { try await waitForSeparator() }
        return try lend(try lineLength(), body)
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
    @inlinable
    public nonisolated(nonsending) func readUntil<Result>(
        _ separator: String,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(separator), body)
    }

    /// As ``readUntil(_:_:)-(String,_)``, up to a byte.
    @inlinable
    public nonisolated(nonsending) func readUntil<Result>(
        _ separator: UInt8,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(.byte(separator), body)
    }

    /// As ``readUntil(_:_:)-(String,_)``, up to some bytes.
    @inlinable
    public nonisolated(nonsending) func readUntil<Result>(
        _ separator: [UInt8],
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(separator), body)
    }

    /// As ``readUntil(_:_:)-(String,_)``, up to the first of several separators: what is read is the shortest piece that ends
    /// with one of them.
    @inlinable
    public nonisolated(nonsending) func readUntil<Result>(
        anyOf separators: [[UInt8]],
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(anyOf: separators), body)
    }

    /// As ``readUntil(anyOf:_:)-([[UInt8]],_)``, up to the first of several texts.
    @inlinable
    public nonisolated(nonsending) func readUntil<Result>(
        anyOf separators: [String],
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        try await readUntil(try StreamSeparator(anyOf: separators), body)
    }

    @inlinable
    nonisolated(nonsending) func readUntil<Result>(
        _ separator: StreamSeparator,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result {
        if try !beginReading(until: separator) { try await waitForSeparator() }
        return try lend(try matchLength(), body)
    }

    // MARK: - The beginning

    /// Begins a read. Returns whether it need not wait, as the others do.
    @usableFromInline
    func beginReading(upTo count: Int) throws -> Bool {
        try begin("StreamReader.read")
        guard count >= 0 else {
            throw EventLoopError.invalidArgument("read(upTo:) was given a count below zero; use readToEnd()")
        }
        return !buffer.isEmpty || count == 0
    }

    @usableFromInline
    func beginReading(exactly count: Int) throws -> Bool {
        try begin("StreamReader.readExactly")
        guard count >= 0 else {
            throw EventLoopError.invalidArgument("readExactly was given a count below zero")
        }
        return buffer.count >= count
    }

    @usableFromInline
    func beginReadingLine() throws -> Bool {
        try begin("StreamReader.readLine")
        return find(.newline)
    }

    @usableFromInline
    func beginReading(until separator: StreamSeparator) throws -> Bool {
        try begin("StreamReader.readUntil")
        return find(separator)
    }

    // MARK: - The wait

    // Not inlined, each of them: see `CancellationHandler`.

    @usableFromInline @inline(never)
    nonisolated(nonsending) func waitForBytes(_ count: Int) async throws {
        try await wait(for: .bytes(count))
    }

    @usableFromInline @inline(never)
    nonisolated(nonsending) func waitForSeparator() async throws {
        try await wait(for: .separator)
    }

    @usableFromInline @inline(never)
    nonisolated(nonsending) func waitToEnd() async throws {
        try begin("StreamReader.readToEnd")
        try await wait(for: .toEnd)
    }

    // MARK: - Finding

    /// Begins to search. Returns whether more bytes would change nothing.
    @inline(__always)
    private func find(_ separator: StreamSeparator) -> Bool {
        search.begin(separator)
        search.go(through: buffer, limit: limit)
        return search.isOver
    }

    /// How long what was searched for is, with its separator.
    @usableFromInline
    func matchLength() throws -> Int {
        if let overrun { throw overrun }
        guard let match = search.match else { throw takeIncomplete(expected: nil) }
        return match.end
    }

    /// The same of a line, which the end of the stream may end, too.
    @usableFromInline
    func lineLength() throws -> Int {
        let length = search.match?.end ?? buffer.count
        guard let overrun else { return length }
        drop(length)
        throw overrun
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

    @usableFromInline
    func checkHolds(_ count: Int) throws {
        guard buffer.count >= count else { throw takeIncomplete(expected: count) }
    }

    private func takeIncomplete(expected: Int?) -> IncompleteReadError {
        IncompleteReadError(partial: lend(upTo: .max) { Array($0) }, expected: expected)
    }

    // MARK: - Lending

    /// As ``lend(_:_:)``, with all that there are where they are fewer.
    @inlinable
    func lend<Result>(upTo count: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        try lend(min(count, heldCount), body)
    }

    /// Lends the first `count` bytes, of which there are as many. They are read then.
    @inlinable
    func lend<Result>(_ count: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        let bytes = beginLending(count)
        defer { endLending(bytes.count) }
        // The buffer keeps them as they are until then: what is fed meanwhile is kept elsewhere, and nobody else reads.
        return try body(bytes.bytes)
    }

    @usableFromInline
    var heldCount: Int { buffer.count }

    @usableFromInline
    func beginLending(_ count: Int) -> UnsafeRawBufferPointer {
        isLending = true
        return buffer.first(count)
    }

    @usableFromInline
    func endLending(_ count: Int) {
        isLending = false
        drop(count)
        if !fedMeanwhile.isEmpty { addFedMeanwhile() }
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
}
