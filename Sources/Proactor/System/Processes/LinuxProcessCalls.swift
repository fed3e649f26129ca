import CPosix
import Glibc
import SystemPackage

/// ``ProcessCalls`` on the real kernel.
final class LinuxProcessCalls: ProcessCalls {
    /// How long a closing loop waits for the children that it killed, all of them together.
    private static let killedChildrenTimeoutNanoseconds: Int64 = 500_000_000

    // MARK: - Pipes

    func inspect(_ descriptor: FileDescriptor) throws(Errno) -> DescriptorDescription {
        let kind = try Errno.check(cposix_descriptor_kind(descriptor.rawValue))
        let flags = fcntl(descriptor.rawValue, F_GETFL)
        guard flags >= 0 else { throw Errno(rawValue: errno) }
        let access = flags & O_ACCMODE
        return DescriptorDescription(
            kind: Self.kind(kind),
            isReadable: access == O_RDONLY || access == O_RDWR,
            isWritable: access == O_WRONLY || access == O_RDWR
        )
    }

    private static func kind(_ kind: Int32) -> DescriptorKind {
        switch Int(kind) {
        case CPOSIX_KIND_PIPE: .pipe
        case CPOSIX_KIND_SOCKET: .socket
        case CPOSIX_KIND_MESSAGE_SOCKET: .messageSocket
        case CPOSIX_KIND_TERMINAL: .terminal
        case CPOSIX_KIND_DEVICE: .device
        case CPOSIX_KIND_BLOCK_DEVICE: .blockDevice
        case CPOSIX_KIND_FILE: .regularFile
        case CPOSIX_KIND_DIRECTORY: .directory
        default: .other
        }
    }

    func adoptPipe(_ descriptor: FileDescriptor) throws(Errno) -> AdoptedPipe {
        var adopted = cposix_adopted_pipe()
        try Errno.check(cposix_adopt_pipe(descriptor.rawValue, &adopted))
        return AdoptedPipe(
            given: descriptor,
            used: FileDescriptor(rawValue: adopted.descriptor),
            wasBlocking: adopted.was_blocking
        )
    }

    func setNonBlocking(_ descriptor: FileDescriptor, _ isNonBlocking: Bool) throws(Errno) {
        try Errno.check(cposix_set_non_blocking(descriptor.rawValue, isNonBlocking))
    }

    func isReaderGone(_ pipe: FileDescriptor) -> Bool { cposix_is_reader_gone(pipe.rawValue) }

    // MARK: - Files

    func nature(of file: FileDescriptor) throws(Errno) -> FileNature {
        FileNature(rawValue: try Errno.check(cposix_file_nature(file.rawValue)))
    }

    func hasWriter(_ fifo: FileDescriptor) throws(Errno) -> Bool {
        try Errno.check(cposix_fifo_has_writer(fifo.rawValue)) == 1
    }

    func makePipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        try Errno.check(cposix_stream_pipe(&ends))
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    // MARK: - Child processes

    func spawn(_ request: SpawnRequest) throws(ProcessError) -> SpawnedProcess {
        let path = try ProgramSearch(request).path()
        var kernelRequest = cposix_spawn_request()
        kernelRequest.sources = (
            Self.source(request.sources.0), Self.source(request.sources.1), Self.source(request.sources.2)
        )
        kernelRequest.close_others = request.closesOtherDescriptors
        kernelRequest.group = request.group ?? Int32(CPOSIX_GROUP_INHERITED)
        kernelRequest.new_session = request.startsSession
        kernelRequest.opens_descriptor = request.opensDescriptor
        var process = cposix_process(pid: 0, descriptor: -1)
        // The request's pointers are lent for the call, which keeps none.
        let result = CStringArray(request.program, request.arguments).withPointers { arguments in
            kernelRequest.arguments = arguments
            return path.withCString { path in
                kernelRequest.path = path
                return Self.withEnvironment(request.environment) { environment in
                    kernelRequest.environment = environment
                    return Self.withDirectory(request.workingDirectory) { directory in
                        kernelRequest.directory = directory
                        return cposix_spawn(&kernelRequest, &process)
                    }
                }
            }
        }
        guard result >= 0 else { throw explain(Errno(rawValue: -result), request, path: path) }
        return SpawnedProcess(
            pid: process.pid,
            descriptor: process.descriptor >= 0 ? FileDescriptor(rawValue: process.descriptor) : nil
        )
    }

    /// Without one of its own the child gets this process's as it stands, and nothing is copied.
    private static func withEnvironment(
        _ environment: [String: String]?,
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Int32
    ) -> Int32 {
        guard let environment else { return body(nil) }
        return CStringArray(nil, environment.map { "\($0.key)=\($0.value)" }).withPointers(body)
    }

    private static func withDirectory(_ path: String?, _ body: (UnsafePointer<CChar>?) -> Int32) -> Int32 {
        guard let path else { return body(nil) }
        return path.withCString(body)
    }

    private static func kernelForm(_ process: SpawnedProcess) -> cposix_process {
        cposix_process(pid: process.pid, descriptor: process.descriptor?.rawValue ?? -1)
    }

    private static func source(_ source: SpawnRequest.Source) -> Int32 {
        switch source {
        case .inherited: Int32(CPOSIX_SPAWN_INHERITED)
        case .null: Int32(CPOSIX_SPAWN_NULL)
        case .descriptor(let descriptor): descriptor.rawValue
        case .standardOutput: Int32(CPOSIX_SPAWN_OUTPUT)
        }
    }

    /// The child says only that it failed: the working directory may be what is wrong.
    private func explain(_ errno: Errno, _ request: SpawnRequest, path: String) -> ProcessError {
        // Nothing else about a start is a descriptor's matter.
        if errno == .badFileDescriptor { return ProcessError(.lendDescriptor, errno) }
        if let directory = request.workingDirectory {
            let result = cposix_check_directory(directory)
            if result < 0 { return ProcessError(.enterDirectory, Errno(rawValue: -result), path: directory) }
        }
        return ProcessError(.start, errno, path: path)
    }

    func takeExitStatus(of process: SpawnedProcess) throws(Errno) -> Int32? {
        var status: Int32 = 0
        return try Errno.check(cposix_take_exit(Self.kernelForm(process), &status)) == 1 ? status : nil
    }

    func sendSignal(_ signal: Signal, to process: SpawnedProcess) throws(Errno) {
        try Errno.check(cposix_signal_process(Self.kernelForm(process), signal.rawValue))
    }

    func sendSignal(_ signal: Signal, toGroupOf leader: SpawnedProcess, isReaped: Bool) throws(Errno) {
        try Errno.check(cposix_signal_group(Self.kernelForm(leader), isReaped, signal.rawValue))
    }

    func endProcesses(_ processes: [SpawnedProcess]) {
        // All first: they die at the same time.
        for process in processes { _ = cposix_signal_process(Self.kernelForm(process), SIGKILL) }
        let deadline = cposix_monotonic_nanoseconds() + Self.killedChildrenTimeoutNanoseconds
        var left: [cposix_process] = []
        for process in processes {
            let descriptor = process.descriptor?.rawValue ?? cposix_open_process(process.pid)
            let child = cposix_process(pid: process.pid, descriptor: descriptor)
            // Somebody else has reaped it.
            if descriptor == -ESRCH { continue }
            let milliseconds = (deadline - cposix_monotonic_nanoseconds() + 999_999) / 1_000_000
            // Without a descriptor to be had there is no wait with a limit.
            if descriptor >= 0, cposix_wait_for_exit(child, Int32(max(milliseconds, 0))) != 0 {
                Self.reap(child)
            } else {
                left.append(child)
            }
        }
        guard !left.isEmpty else { return }
        let rest = left
        if (try? SystemThread.start(name: "proactor-reap", { Self.waitAndReap(rest) })) == nil {
            // No thread to be had: the kernel reaps them when this process ends.
            for child in rest where child.descriptor >= 0 { _ = Glibc.close(child.descriptor) }
        }
    }

    private static func waitAndReap(_ children: [cposix_process]) {
        for child in children {
            guard child.descriptor >= 0 else {
                cposix_reap(child.pid)
                continue
            }
            _ = cposix_wait_for_exit(child, -1)
            reap(child)
        }
    }

    private static func reap(_ process: cposix_process) {
        var status: Int32 = 0
        _ = cposix_take_exit(process, &status)
        _ = Glibc.close(process.descriptor)
    }

    // MARK: - Signals

    func makeSignalWatch() throws(Errno) -> any SignalWatch {
        try LinuxSignalWatch()
    }

    func isIgnored(_ signal: Signal) -> Bool { cposix_signal_is_ignored(signal.rawValue) }

    func endProgram(by signal: Signal) -> Never { cposix_end_by_signal(signal.rawValue) }
}
