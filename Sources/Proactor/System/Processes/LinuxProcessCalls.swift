import CPosix
import Glibc
import SystemPackage

/// ``ProcessCalls`` on the real kernel.
final class LinuxProcessCalls: ProcessCalls {
    /// How long a closing loop waits for a child that it killed.
    private static let killedChildTimeoutMilliseconds: Int32 = 500

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

    func adoptPipe(_ descriptor: FileDescriptor) throws(Errno) {
        try Errno.check(cposix_set_non_blocking(descriptor.rawValue, true))
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

    func endProcess(_ process: SpawnedProcess) {
        let pid = process.pid
        _ = cposix_signal_process(Self.kernelForm(process), SIGKILL)
        let descriptor = process.descriptor?.rawValue ?? cposix_open_process(pid)
        guard descriptor >= 0 else {
            // Somebody else has reaped it; or there is no descriptor to be had, and so no wait with a limit.
            if descriptor != -ESRCH {
                _ = try? SystemThread.start(name: "proactor-reap") { cposix_reap(pid) }
            }
            return
        }
        let opened = cposix_process(pid: pid, descriptor: descriptor)
        if cposix_wait_for_exit(opened, Self.killedChildTimeoutMilliseconds) != 0 {
            Self.reap(opened)
        } else if (try? SystemThread.start(name: "proactor-reap", { Self.waitAndReap(opened) })) == nil {
            // No thread to be had: the kernel reaps it when this process ends.
            _ = Glibc.close(descriptor)
        }
    }

    private static func waitAndReap(_ process: cposix_process) {
        _ = cposix_wait_for_exit(process, -1)
        reap(process)
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
}
