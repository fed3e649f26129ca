extension ProcessEventLoop {
    /// Starts a program as a child process and returns when `connectionMade` was called; see
    /// ``subprocessExec(_:arguments:options:protocolFactory:)``.
    ///
    /// ```swift
    /// let (child, output) = try await loop.subprocessExec("/bin/ls", "-l", standardInput: .null) { Collector() }
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
    ///   - protocolFactory: called first; when it throws, nothing is started.
    /// - Throws: as the method above.
    nonisolated(nonsending) public func subprocessExec<Protocol: SubprocessProtocol>(
        _ program: String,
        _ arguments: String...,
        standardInput: ProcessOptions.Stream = .pipe,
        standardOutput: ProcessOptions.Stream = .pipe,
        standardError: ProcessOptions.ErrorStream = .pipe,
        environment: [String: String]? = nil,
        workingDirectory: String? = nil,
        group: ProcessOptions.Group = .inherited,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol) {
        var options = ProcessOptions()
        options.standardInput = standardInput
        options.standardOutput = standardOutput
        options.standardError = standardError
        options.environment = environment
        options.workingDirectory = workingDirectory
        options.group = group
        return try await subprocessExec(
            program,
            arguments: arguments,
            options: options,
            protocolFactory: protocolFactory
        )
    }

    /// Starts a command line for `/bin/sh -c` as a child process; the parameters are those of
    /// ``subprocessExec(_:_:standardInput:standardOutput:standardError:environment:workingDirectory:group:protocolFactory:)``.
    ///
    /// ```swift
    /// let (child, output) = try await loop.subprocessShell("ls | wc -l") { Collector() }
    /// ```
    nonisolated(nonsending) public func subprocessShell<Protocol: SubprocessProtocol>(
        _ command: String,
        standardInput: ProcessOptions.Stream = .pipe,
        standardOutput: ProcessOptions.Stream = .pipe,
        standardError: ProcessOptions.ErrorStream = .pipe,
        environment: [String: String]? = nil,
        workingDirectory: String? = nil,
        group: ProcessOptions.Group = .inherited,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol) {
        try await subprocessExec(
            "/bin/sh",
            "-c",
            command,
            standardInput: standardInput,
            standardOutput: standardOutput,
            standardError: standardError,
            environment: environment,
            workingDirectory: workingDirectory,
            group: group,
            protocolFactory: protocolFactory
        )
    }
}
