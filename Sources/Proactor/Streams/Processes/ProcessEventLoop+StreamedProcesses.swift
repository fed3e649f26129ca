extension ProcessEventLoop {
    /// Starts a program as a child process whose pipes are streams: asyncio's `create_subprocess_exec`.
    ///
    /// ```swift
    /// let options = ProcessOptions()  // Three pipes.
    /// let sort = try await loop.createSubprocessExec("sort", arguments: ["-r"], options: options)
    /// let (output, _) = try await sort.communicate(input: "a\nb\n")
    /// ```
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`. It is also the child's `argv[0]`.
    ///   - arguments: the rest of the child's `argv`.
    ///   - options: its streams, environment, directory and group. What is `.pipe` there is a stream.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    /// - Throws: ``ProcessError``, with the path, when the program cannot be started; ``EventLoopError/invalidArgument(_:)`` for
    ///   text with a zero byte in it, or a limit of zero or less; `CancellationError`, and then nothing is started;
    ///   ``EventLoopError/closed``.
    nonisolated(nonsending) public func createSubprocessExec(
        _ program: String,
        arguments: [String],
        options: ProcessOptions,
        limit: Int = StreamReader.defaultLimit
    ) async throws -> StreamedProcess {
        let made = try await subprocessExec(program, arguments: arguments, options: options) {
            try ProcessStreams(limit: limit)
        }
        return StreamedProcess(made.transport, made.protocol)
    }

    /// As ``createSubprocessExec(_:arguments:options:limit:)``, with a command line for `/bin/sh -c`: asyncio's
    /// `create_subprocess_shell`. Quote what comes from outside: the shell runs whatever the text says.
    ///
    /// - Parameters:
    ///   - command: the command line.
    ///   - options: its streams, environment, directory and group. What is `.pipe` there is a stream.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    /// - Throws: as there.
    nonisolated(nonsending) public func createSubprocessShell(
        _ command: String,
        options: ProcessOptions,
        limit: Int = StreamReader.defaultLimit
    ) async throws -> StreamedProcess {
        try await createSubprocessExec("/bin/sh", arguments: ["-c", command], options: options, limit: limit)
    }

    // MARK: Short forms

    /// Starts a program as a child process. As in asyncio, its streams are this process's own unless you name another; see
    /// ``createSubprocessExec(_:arguments:options:limit:)``.
    ///
    /// ```swift
    /// let date = try await loop.createSubprocessExec("date", "+%F", standardOutput: .pipe)
    /// let line = try await date.stdout?.readLine()
    /// ```
    ///
    /// - Parameters:
    ///   - program: a path, or without a slash a name that is looked up in `PATH`.
    ///   - arguments: what follows the program's name in the child's `argv`.
    ///   - standardInput: what the child reads from.
    ///   - standardOutput: what the child writes to.
    ///   - standardError: where its complaints go.
    ///   - environment: its whole environment; `nil` is this process's own.
    ///   - workingDirectory: where it runs; `nil` is this process's own directory.
    ///   - group: its process group or session.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    /// - Throws: as the method above.
    nonisolated(nonsending) public func createSubprocessExec(
        _ program: String,
        _ arguments: String...,
        standardInput: ProcessOptions.Stream = .inherited,
        standardOutput: ProcessOptions.Stream = .inherited,
        standardError: ProcessOptions.ErrorStream = .inherited,
        environment: [String: String]? = nil,
        workingDirectory: String? = nil,
        group: ProcessOptions.Group = .inherited,
        limit: Int = StreamReader.defaultLimit
    ) async throws -> StreamedProcess {
        var options = ProcessOptions()
        options.standardInput = standardInput
        options.standardOutput = standardOutput
        options.standardError = standardError
        options.environment = environment
        options.workingDirectory = workingDirectory
        options.group = group
        return try await createSubprocessExec(program, arguments: arguments, options: options, limit: limit)
    }

    /// Starts a command line for `/bin/sh -c` as a child process. As in asyncio, its streams are this process's own unless you
    /// name another; see ``createSubprocessShell(_:options:limit:)``.
    ///
    /// ```swift
    /// let count = try await loop.createSubprocessShell("ls | wc -l", standardOutput: .pipe)
    /// let (output, _) = try await count.communicate()
    /// ```
    ///
    /// - Parameters:
    ///   - command: the command line.
    ///   - standardInput: what the child reads from.
    ///   - standardOutput: what the child writes to.
    ///   - standardError: where its complaints go.
    ///   - environment: its whole environment; `nil` is this process's own.
    ///   - workingDirectory: where it runs; `nil` is this process's own directory.
    ///   - group: its process group or session.
    ///   - limit: each reader's ``StreamReader/limit``, in bytes.
    /// - Throws: as the method above.
    nonisolated(nonsending) public func createSubprocessShell(
        _ command: String,
        standardInput: ProcessOptions.Stream = .inherited,
        standardOutput: ProcessOptions.Stream = .inherited,
        standardError: ProcessOptions.ErrorStream = .inherited,
        environment: [String: String]? = nil,
        workingDirectory: String? = nil,
        group: ProcessOptions.Group = .inherited,
        limit: Int = StreamReader.defaultLimit
    ) async throws -> StreamedProcess {
        try await createSubprocessExec(
            "/bin/sh",
            "-c",
            command,
            standardInput: standardInput,
            standardOutput: standardOutput,
            standardError: standardError,
            environment: environment,
            workingDirectory: workingDirectory,
            group: group,
            limit: limit
        )
    }
}
