/// Child processes that are over in every way out of a scope.
extension ProcessEventLoop {
    /// Starts a program, runs `body` with it, and ends it: when this returns or throws, the child is reaped and its pipes are closed,
    /// whatever `body` has done.
    ///
    /// A child that still runs by then is ended by SIGKILL, and so are all of its process group, in which the child's own children
    /// are as well: also those that it has left behind. For that it leads a group of its own where `options` has it inherit one, as with
    /// ``runProcess(_:arguments:options:input:limit:timeout:)``, where it says what follows from that. One that joins an existing
    /// group is ended alone. A child that shall end by itself is waited for within `body`, by ``StreamedProcess/wait()``; one that may
    /// tidy up is sent ``StreamedProcess/terminate()`` and waited for.
    ///
    /// ```swift
    /// let line = try await loop.withSubprocessExec("tail", arguments: ["-f", "log"], options: ProcessOptions()) { tail in
    ///     try await tail.stdout?.readLine()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`. It is also the child's `argv[0]`.
    ///   - arguments: the rest of the child's `argv`.
    ///   - options: its streams, environment, directory and group. What is `.pipe` there is a stream.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    ///   - body: uses the child.
    /// - Throws: as ``createSubprocessExec(_:arguments:options:limit:)``, and what `body` throws.
    nonisolated(nonsending) public func withSubprocessExec<Result>(
        _ program: String,
        arguments: [String],
        options: ProcessOptions,
        limit: Int = StreamReader.defaultLimit,
        _ body: nonisolated(nonsending) (StreamedProcess) async throws -> Result
    ) async throws -> Result {
        var options = options
        if options.group == .inherited { options.group = .new }
        let process = try await createSubprocessExec(
            program,
            arguments: arguments,
            options: options,
            limit: limit
        )
        let result: Result
        do {
            result = try await body(process)
        } catch {
            await process.endAll()
            throw error
        }
        await process.endAll()
        return result
    }

    /// As ``withSubprocessExec(_:arguments:options:limit:_:)``, with a command line for `/bin/sh -c`. Quote what comes from outside: the
    /// shell runs whatever the text says.
    ///
    /// ```swift
    /// let size = try await loop.withSubprocessShell("du -s /srv | cut -f 1") { usage in
    ///     try await usage.stdout?.readLine()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - command: the command line.
    ///   - options: its streams, environment, directory and group. What is `.pipe` there is a stream.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    ///   - body: uses the child.
    /// - Throws: as there.
    nonisolated(nonsending) public func withSubprocessShell<Result>(
        _ command: String,
        options: ProcessOptions = ProcessOptions(),
        limit: Int = StreamReader.defaultLimit,
        _ body: nonisolated(nonsending) (StreamedProcess) async throws -> Result
    ) async throws -> Result {
        try await withSubprocessExec(
            "/bin/sh",
            arguments: ["-c", command],
            options: options,
            limit: limit,
            body
        )
    }

    /// Starts a program with pipes to its input, output and errors, runs `body` with it, and ends it: see
    /// ``withSubprocessExec(_:arguments:options:limit:_:)``.
    ///
    /// ```swift
    /// let answer = try await loop.withSubprocessExec("bc", "-q") { bc in
    ///     bc.stdin?.write("6 * 7\n")
    ///     return try await bc.stdout?.readLine()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`.
    ///   - arguments: what follows the program's name in the child's `argv`.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    ///   - body: uses the child.
    /// - Throws: as there.
    nonisolated(nonsending) public func withSubprocessExec<Result>(
        _ program: String,
        _ arguments: String...,
        limit: Int = StreamReader.defaultLimit,
        _ body: nonisolated(nonsending) (StreamedProcess) async throws -> Result
    ) async throws -> Result {
        try await withSubprocessExec(
            program,
            arguments: arguments,
            options: ProcessOptions(),
            limit: limit,
            body
        )
    }
}
