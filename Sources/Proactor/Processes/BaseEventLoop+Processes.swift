import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func subprocessExec<Protocol: SubprocessProtocol>(
        _ program: String,
        arguments: [String],
        options: ProcessOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol) {
        try checkMayBegin("subprocessExec")
        try options.validate(program: program, arguments: arguments)
        let childProtocol = try protocolFactory()
        var pipes = ChildPipeEnds(system: system)
        do {
            let request = try makeRequest(program, arguments, options, &pipes)
            let process = try system.processes.spawn(request)
            pipes.closeChildEnds()
            let child = ChildProcess(
                loop: self,
                process: process,
                leadsGroup: options.group.isLed,
                childProtocol: childProtocol
            )
            child.start(pipes: pipes.ours)
            return (child, childProtocol)
        } catch {
            pipes.closeAll()
            throw error
        }
    }

    nonisolated(nonsending) public func subprocessShell<Protocol: SubprocessProtocol>(
        _ command: String,
        options: ProcessOptions,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any SubprocessTransport, protocol: Protocol) {
        try await subprocessExec(
            "/bin/sh",
            arguments: ["-c", command],
            options: options,
            protocolFactory: protocolFactory
        )
    }

    private func makeRequest(
        _ program: String,
        _ arguments: [String],
        _ options: ProcessOptions,
        _ pipes: inout ChildPipeEnds
    ) throws(ProcessError) -> SpawnRequest {
        SpawnRequest(
            program: program,
            arguments: arguments,
            environment: options.environment,
            workingDirectory: options.workingDirectory,
            sources: (
                try pipes.source(of: options.standardInput, number: 0),
                try pipes.source(of: options.standardOutput, number: 1),
                try pipes.source(of: options.standardError)
            ),
            group: options.group.number,
            startsSession: options.group == .newSession,
            closesOtherDescriptors: options.closesOtherDescriptors,
            // A group that outlives its leader is named by that one's.
            opensDescriptor: !backend.waitsForChildren || options.group.isLed
        )
    }
}

/// The pipes to a child that is being started.
private struct ChildPipeEnds {
    private let system: any SystemCalls
    /// The ends that stay here: non-blocking.
    private(set) var ours: [(number: Int32, pipe: FileDescriptor)] = []
    private var childs: [FileDescriptor] = []

    init(system: any SystemCalls) {
        self.system = system
    }

    mutating func source(
        of stream: ProcessOptions.Stream,
        number: Int32
    ) throws(ProcessError) -> SpawnRequest.Source {
        switch stream {
        case .pipe: .descriptor(try makePipe(number))
        case .null: .null
        case .inherited: .inherited
        case .descriptor(let descriptor): try lend(descriptor)
        }
    }

    mutating func source(of stream: ProcessOptions.ErrorStream) throws(ProcessError) -> SpawnRequest.Source {
        switch stream {
        case .pipe: .descriptor(try makePipe(2))
        case .null: .null
        case .inherited: .inherited
        case .descriptor(let descriptor): try lend(descriptor)
        case .standardOutput: .standardOutput
        }
    }

    /// One that is not open is the kernel's to refuse, when it starts the child.
    private func lend(_ descriptor: FileDescriptor) throws(ProcessError) -> SpawnRequest.Source {
        guard descriptor.rawValue >= 0 else { throw ProcessError(.lendDescriptor, .badFileDescriptor) }
        return .descriptor(descriptor)
    }

    /// Makes a pipe for one of the child's streams and returns the child's end.
    private mutating func makePipe(_ number: Int32) throws(ProcessError) -> FileDescriptor {
        do {
            let pipe = try system.processes.makePipe()
            let (own, other) = number == 0 ? (pipe.writing, pipe.reading) : (pipe.reading, pipe.writing)
            ours.append((number, own))
            childs.append(other)
            // The child has the other end, and nobody else this one.
            try system.processes.setNonBlocking(own, true)
            return other
        } catch {
            throw ProcessError(.makePipe, error)
        }
    }

    mutating func closeChildEnds() {
        for end in childs { try? system.close(end) }
        childs = []
    }

    mutating func closeAll() {
        closeChildEnds()
        for end in ours { try? system.close(end.pipe) }
        ours = []
    }
}
