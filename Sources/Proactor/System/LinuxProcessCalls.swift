import CPosix
import Glibc
import SystemPackage

/// ``ProcessCalls`` on the real kernel.
final class LinuxProcessCalls: ProcessCalls {
    /// How long a closing loop waits for a child that it killed.
    private static let killedChildTimeoutMilliseconds: Int32 = 500

    // MARK: - Pipes

    func inspect(_ descriptor: FileDescriptor) throws(Errno) -> DescriptorDescription {
        let kind = try check(cposix_descriptor_kind(descriptor.rawValue))
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
        case CPOSIX_KIND_TERMINAL: .terminal
        case CPOSIX_KIND_DEVICE: .device
        case CPOSIX_KIND_BLOCK_DEVICE: .blockDevice
        case CPOSIX_KIND_FILE: .regularFile
        case CPOSIX_KIND_DIRECTORY: .directory
        default: .other
        }
    }

    func adoptPipe(_ descriptor: FileDescriptor) throws(Errno) {
        try check(cposix_set_non_blocking(descriptor.rawValue))
    }

    func makePipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        try check(cposix_stream_pipe(&ends))
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    // MARK: - Child processes

    func spawn(_ request: SpawnRequest) throws(ProcessError) -> SpawnedProcess {
        let path = try ProgramSearch(request).path()
        let arguments = CStringArray(request.arguments)
        // Without one of its own the child gets this process's as it stands, and nothing is copied.
        let environment = request.environment.map { CStringArray($0.map { "\($0.key)=\($0.value)" }) }
        var kernelRequest = cposix_spawn_request()
        kernelRequest.arguments = UnsafePointer(arguments.pointers)
        kernelRequest.environment = environment.map { UnsafePointer($0.pointers) }
        kernelRequest.sources = (
            Self.source(request.sources.0), Self.source(request.sources.1), Self.source(request.sources.2)
        )
        kernelRequest.close_others = request.closesOtherDescriptors
        kernelRequest.group = request.group ?? Int32(CPOSIX_GROUP_INHERITED)
        kernelRequest.new_session = request.startsSession
        var pid: Int32 = 0
        var descriptor: Int32 = -1
        // The request's pointers are into the arrays and into the strings that are lent; the call keeps none.
        let result = withExtendedLifetime((arguments, environment)) {
            path.withCString { path in
                kernelRequest.path = path
                guard let directory = request.workingDirectory else {
                    return cposix_spawn(&kernelRequest, &pid, &descriptor)
                }
                return directory.withCString { directory in
                    kernelRequest.directory = directory
                    return cposix_spawn(&kernelRequest, &pid, &descriptor)
                }
            }
        }
        guard result >= 0 else { throw explain(Errno(rawValue: -result), request, path: path) }
        return SpawnedProcess(
            pid: pid,
            descriptor: descriptor >= 0 ? FileDescriptor(rawValue: descriptor) : nil
        )
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

    func takeExitStatus(of process: FileDescriptor) throws(Errno) -> Int32? {
        var status: Int32 = 0
        return try check(cposix_take_exit(process.rawValue, &status)) == 1 ? status : nil
    }

    func sendSignal(_ signal: Signal, to process: FileDescriptor) throws(Errno) {
        try check(cposix_signal_process(process.rawValue, signal.rawValue))
    }

    func endProcess(_ process: FileDescriptor) {
        let number = process.rawValue
        _ = cposix_signal_process(number, SIGKILL)
        if cposix_wait_for_exit(number, Self.killedChildTimeoutMilliseconds) != 0 {
            Self.reap(number)
        } else if (try? SystemThread.start(name: "proactor-reap", { Self.waitAndReap(number) })) == nil {
            // No thread to be had: the kernel reaps it when this process ends.
            _ = Glibc.close(number)
        }
    }

    private static func waitAndReap(_ process: Int32) {
        _ = cposix_wait_for_exit(process, -1)
        reap(process)
    }

    private static func reap(_ process: Int32) {
        var status: Int32 = 0
        _ = cposix_take_exit(process, &status)
        _ = Glibc.close(process)
    }

    // MARK: - Signals

    func makeSignalWatch() throws(Errno) -> any SignalWatch {
        try LinuxSignalWatch()
    }

    @discardableResult
    private func check(_ result: Int32) throws(Errno) -> Int32 {
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result
    }
}
