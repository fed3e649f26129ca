extension StreamedProcess {
    /// Writes `input` to the child, ends its input, reads its output and its errors to their ends, and waits until it has ended.
    ///
    /// All of it goes on at once, so neither side waits for the other, however much there is. A child that does not take all of
    /// its input is no error. Where other processes have the pipes too, such as the child's own children in the background, it
    /// waits for those.
    ///
    /// A task that is cancelled leaves the child running, its input on its way, and what it has written in ``stdout`` and
    /// ``stderr``: to call this again, without an input, loses nothing. The same holds when a limit was passed, but that the child
    /// has to wait until somebody reads. To end a child that takes too long:
    ///
    /// ```swift
    /// do {
    ///     (output, _) = try await timeout(.seconds(2)) { _ in try await process.communicate() }
    /// } catch let error as TimeoutError {
    ///     process.close()
    ///     throw error
    /// }
    /// ```
    /// ``ProcessEventLoop/runProcess(_:arguments:options:input:limit:timeout:)`` does that, for the child's whole group.
    ///
    /// - Parameters:
    ///   - input: what the child reads from ``stdin``; `nil` ends its input at once.
    ///   - limit: how many bytes of each stream are held at most; `Int.max` is as many as come.
    /// - Returns: what the child has written, as far as nobody has read it before; nothing for what is no pipe.
    /// - Throws: ``ProcessOutputError`` when a stream passes the limit; ``EventLoopError/invalidArgument(_:)`` for an input where
    ///   ``stdin`` is `nil`, or a limit below zero; ``EventLoopError/invalidState(_:)`` for a second input, or when another task
    ///   reads one of the streams or is in this call; ``PipeError`` when a pipe cannot be read; `CancellationError`; ``EventLoopError/closed``.
    public nonisolated(nonsending) func communicate(
        input: [UInt8]? = nil,
        limit: Int = StreamedProcess.defaultOutputLimit
    ) async throws -> (stdout: [UInt8], stderr: [UInt8]) {
        try checkMayCommunicate(input, limit)
        streams.isCommunicating = true
        defer { streams.isCommunicating = false }
        if let stdin {
            if let input { streams.feed(input, by: stdin) } else { streams.endInput(by: stdin) }
        }
        do {
            try await waitForOutput(limit)
            try await wait()
            try await waitForEndOfInput()
        } catch {
            // Nothing is taken before all is there, so a cancel loses nothing.
            stdout?.putBackCollected()
            stderr?.putBackCollected()
            throw error
        }
        return (stdout?.takeCollected() ?? [], stderr?.takeCollected() ?? [])
    }

    /// As ``communicate(input:limit:)-([UInt8]?,_)``, with a text as the input, in UTF-8.
    public nonisolated(nonsending) func communicate(
        input: String,
        limit: Int = StreamedProcess.defaultOutputLimit
    ) async throws -> (stdout: [UInt8], stderr: [UInt8]) {
        try await communicate(input: Array(input.utf8), limit: limit)
    }

    /// Nothing may have begun when it throws.
    private func checkMayCommunicate(_ input: [UInt8]?, _ limit: Int) throws {
        try streams.use("StreamedProcess.communicate")
        try checkCancellation()
        guard limit >= 0 else {
            throw EventLoopError.invalidArgument("communicate was given a limit below zero; Int.max is none")
        }
        guard input == nil || stdin != nil else {
            throw EventLoopError.invalidArgument(
                "communicate was given an input, and the child's standard input is no pipe; start it with .pipe"
            )
        }
        guard input == nil || !streams.wasFed else {
            throw EventLoopError.invalidState(
                "communicate was given a second input; the first has ended the child's"
            )
        }
        guard !streams.isCommunicating else {
            throw EventLoopError.invalidState(
                "communicate was called while another task is in the midst of it"
            )
        }
        try stdout?.begin("StreamedProcess.communicate")
        try stderr?.begin("StreamedProcess.communicate")
    }

    /// Returns when both outputs have ended.
    private nonisolated(nonsending) func waitForOutput(_ limit: Int) async throws {
        guard stdout != nil, stderr != nil else {
            try await waitForEnd(of: stdout, 1, limit)
            return try await waitForEnd(of: stderr, 2, limit)
        }
        do {
            try await withLoopTaskGroup { group in
                try group.createTask { try await self.waitForEnd(of: self.stderr, 2, limit) }
                try await self.waitForEnd(of: self.stdout, 1, limit)
            }
        } catch let error as TaskGroupError {
            throw error.errors.first ?? error
        }
    }

    private nonisolated(nonsending) func waitForEnd(
        of reader: StreamReader?,
        _ descriptor: Int32,
        _ limit: Int
    ) async throws {
        guard let reader, try await !reader.collectToEnd(holding: limit) else { return }
        throw ProcessOutputError(pid: pid, descriptor: descriptor, limit: limit)
    }

    /// The child may have handed its input on to others.
    private nonisolated(nonsending) func waitForEndOfInput() async throws {
        do {
            try await stdin?.waitClosed()
        } catch is PipeError {
            // Nobody is left to take the rest, as little as asyncio minds.
        }
    }
}
