extension ProcessEventLoop {
    /// Runs a program to its end and returns what it has written: asyncio's `create_subprocess_exec` and `communicate` in one call,
    /// that leaves nothing behind.
    ///
    /// When the time is over, the task is cancelled, or the program writes more than the limit, it is ended by SIGKILL with all of
    /// its process group, and reaped before this throws. For that it leads a group of its own where `options` has it inherit one:
    /// so a terminal's Ctrl+C reaches this process only, which ends the program by cancelling, and the program cannot read from
    /// that terminal. A program that joins an existing group is ended alone. What it has started and left in the background is waited for while that has its output, and then left
    /// alone.
    ///
    /// An exit code other than 0 is no error: see ``ProcessOutput/returnCode``.
    ///
    /// ```swift
    /// var options = ProcessOptions()
    /// options.workingDirectory = "/srv/site"
    /// let status = try await loop.runProcess(
    ///     "git", arguments: ["status", "--short"], options: options, timeout: .seconds(10)
    /// )
    /// ```
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`. It is also the child's `argv[0]`.
    ///   - arguments: the rest of the child's `argv`.
    ///   - options: its streams, environment, directory and group. What is `.pipe` there is collected.
    ///   - input: what it reads; `nil` is nothing.
    ///   - limit: how many bytes of each stream are held at most; `Int.max` is as many as come.
    ///   - timeout: how long it may take, from its start; `nil` is for ever.
    /// - Throws: ``TimeoutError``; ``ProcessOutputError`` for more than the limit; ``ProcessError``, with the path, when the program
    ///   cannot be started; ``EventLoopError/invalidArgument(_:)`` for text with a zero byte in it, an input where standard input is
    ///   no pipe, or a limit below zero; `CancellationError`; ``EventLoopError/closed``.
    nonisolated(nonsending) public func runProcess(
        _ program: String,
        arguments: [String],
        options: ProcessOptions,
        input: [UInt8]? = nil,
        limit: Int = StreamedProcess.defaultOutputLimit,
        timeout: Duration? = nil
    ) async throws -> ProcessOutput {
        var options = options
        if options.group == .inherited { options.group = .new }
        let process = try await createSubprocessExec(program, arguments: arguments, options: options)
        return try await process.runToEnd(input, limit, timeout)
    }

    /// As ``runProcess(_:arguments:options:input:limit:timeout:)``, with a command line for `/bin/sh -c`. Quote what comes from
    /// outside: the shell runs whatever the text says.
    ///
    /// - Parameters:
    ///   - command: the command line.
    ///   - options: its streams, environment, directory and group. What is `.pipe` there is collected.
    ///   - input: what it reads; `nil` is nothing.
    ///   - limit: how many bytes of each stream are held at most; `Int.max` is as many as come.
    ///   - timeout: how long it may take, from its start; `nil` is for ever.
    /// - Throws: as there.
    nonisolated(nonsending) public func runShell(
        _ command: String,
        options: ProcessOptions = ProcessOptions(),
        input: [UInt8]? = nil,
        limit: Int = StreamedProcess.defaultOutputLimit,
        timeout: Duration? = nil
    ) async throws -> ProcessOutput {
        try await runProcess(
            "/bin/sh",
            arguments: ["-c", command],
            options: options,
            input: input,
            limit: limit,
            timeout: timeout
        )
    }

    /// Runs a program to its end and returns what it has written to its standard output and standard error; see
    /// ``runProcess(_:arguments:options:input:limit:timeout:)``.
    ///
    /// ```swift
    /// let status = try await loop.runProcess("git", "status", "--short", timeout: .seconds(10))
    /// print(status.text)
    /// ```
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`.
    ///   - arguments: what follows the program's name in its `argv`.
    ///   - input: what it reads; `nil` is nothing.
    ///   - limit: how many bytes of each stream are held at most; `Int.max` is as many as come.
    ///   - timeout: how long it may take, from its start; `nil` is for ever.
    /// - Throws: as the method above.
    nonisolated(nonsending) public func runProcess(
        _ program: String,
        _ arguments: String...,
        input: [UInt8]? = nil,
        limit: Int = StreamedProcess.defaultOutputLimit,
        timeout: Duration? = nil
    ) async throws -> ProcessOutput {
        try await runProcess(
            program,
            arguments: arguments,
            options: ProcessOptions(),
            input: input,
            limit: limit,
            timeout: timeout
        )
    }
}

extension StreamedProcess {
    /// Communicates, and leaves nothing behind in any way out.
    fileprivate nonisolated(nonsending) func runToEnd(
        _ input: [UInt8]?,
        _ limit: Int,
        _ delay: Duration?
    ) async throws -> ProcessOutput {
        do {
            let (output, errors) = try await timeout(delay) { _ in
                try await self.communicate(input: input, limit: limit)
            }
            return ProcessOutput(returnCode: try await wait(), stdout: output, stderr: errors)
        } catch {
            await endAll()
            throw error
        }
    }

    /// Ends the child and its group, and returns when it is reaped and its pipes are closed.
    nonisolated(nonsending) func endAll() async {
        // The group first: its leader's number is the group's until the leader is reaped. One that joined a group leads none.
        let isGroupEnded = (try? killGroup()) ?? false
        let isEnded = (try? kill()) ?? false
        // Also those pipes that somebody has who left the group.
        close()
        // One that this user may not end runs on, and is reaped when it ends.
        if isGroupEnded || isEnded || returnCode != nil { await streams.waitUntilOver() }
    }
}
