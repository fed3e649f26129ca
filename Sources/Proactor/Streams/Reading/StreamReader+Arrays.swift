/// Every read, in the form that returns an array.
extension StreamReader {
    /// Reads what there is, up to `count` bytes, and waits while there is nothing. At the end of the stream it returns nothing.
    ///
    /// - Throws: the connection's error; ``EventLoopError/invalidArgument(_:)`` for a count below zero;
    ///   ``EventLoopError/invalidState(_:)`` when another task reads; `CancellationError`, and then nothing was read;
    ///   ``EventLoopError/closed``, ``EventLoopError/noRunningLoop``.
    public nonisolated(nonsending) func read(upTo count: Int) async throws -> [UInt8] {
        try await read(upTo: count) { Array($0) }
    }

    /// Reads all up to the end of the stream, whatever the ``limit`` is.
    ///
    /// - Throws: as ``read(upTo:)``. What came before the connection's error is not read.
    public nonisolated(nonsending) func readToEnd() async throws -> [UInt8] {
        try await readToEnd { Array($0) }
    }

    /// Reads `count` bytes, neither more nor less, whatever the ``limit`` is.
    ///
    /// - Throws: ``IncompleteReadError`` when the stream ends before, with what there was, which is read; otherwise as
    ///   ``read(upTo:)``.
    public nonisolated(nonsending) func readExactly(_ count: Int) async throws -> [UInt8] {
        try await readExactly(count) { Array($0) }
    }

    /// Reads a line, with the newline at its end. The last line of a stream may have none, and at the end of the stream nothing
    /// is returned.
    ///
    /// - Throws: ``LimitOverrunError`` for a line longer than the ``limit``, as much of which is dropped as has come; otherwise
    ///   as ``read(upTo:)``.
    public nonisolated(nonsending) func readLine() async throws -> [UInt8] {
        try await readLine { Array($0) }
    }

    /// Reads up to a separator, and with it.
    ///
    /// - Throws: ``LimitOverrunError`` when there is no separator within the ``limit``, and then nothing was read;
    ///   ``IncompleteReadError`` when the stream ends before, with what there was, which is read;
    ///   ``EventLoopError/invalidArgument(_:)`` for an empty separator; otherwise as ``read(upTo:)``.
    public nonisolated(nonsending) func readUntil(_ separator: String) async throws -> [UInt8] {
        try await readUntil(separator) { Array($0) }
    }

    /// As ``readUntil(_:)-(String)``, up to a byte.
    public nonisolated(nonsending) func readUntil(_ separator: UInt8) async throws -> [UInt8] {
        try await readUntil(separator) { Array($0) }
    }

    /// As ``readUntil(_:)-(String)``, up to some bytes.
    public nonisolated(nonsending) func readUntil(_ separator: [UInt8]) async throws -> [UInt8] {
        try await readUntil(separator) { Array($0) }
    }

    /// As ``readUntil(_:)-(String)``, up to the first of several separators: what is read is the shortest piece that ends with
    /// one of them.
    public nonisolated(nonsending) func readUntil(anyOf separators: [[UInt8]]) async throws -> [UInt8] {
        try await readUntil(anyOf: separators) { Array($0) }
    }

    /// As ``readUntil(anyOf:)-([[UInt8]])``, up to the first of several texts.
    public nonisolated(nonsending) func readUntil(anyOf separators: [String]) async throws -> [UInt8] {
        try await readUntil(anyOf: separators) { Array($0) }
    }
}
