import Glibc
import Proactor
import SystemPackage

/// ``ProcessCalls`` of a simulated process.
///
/// `@unchecked Sendable`: the simulation's thread alone uses it.
final class SimulatedProcessCalls: ProcessCalls, @unchecked Sendable {
    private let process: SimulatedProcess

    init(process: SimulatedProcess) {
        self.process = process
    }

    private var world: SimulatedWorld { process.world }

    // MARK: - Pipes and files

    func inspect(_ descriptor: FileDescriptor) throws(Errno) -> DescriptorDescription {
        guard let file = process.file(descriptor) else { throw .badFileDescriptor }
        switch file {
        case let pipe as PipeEnd:
            return DescriptorDescription(kind: .pipe, isReadable: pipe.isReader, isWritable: !pipe.isReader)
        case let handle as FileHandle:
            return DescriptorDescription(
                kind: handle.kind,
                isReadable: handle.isReadable,
                isWritable: handle.isWritable
            )
        default:
            return DescriptorDescription(kind: file.kind, isReadable: true, isWritable: true)
        }
    }

    func adoptPipe(_ descriptor: FileDescriptor) throws(Errno) -> AdoptedPipe {
        guard process.file(descriptor) != nil else { throw .badFileDescriptor }
        return AdoptedPipe(given: descriptor, used: descriptor)
    }

    func setNonBlocking(_ descriptor: FileDescriptor, _ isNonBlocking: Bool) throws(Errno) {
        guard process.file(descriptor) != nil else { throw .badFileDescriptor }
    }

    func isReaderGone(_ pipe: FileDescriptor) -> Bool {
        (process.file(pipe) as? PipeEnd)?.isReaderGone ?? false
    }

    func makePipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
        let ends = PipeEnd.makePair(host: process.host)
        let reading: FileDescriptor
        do throws(Errno) {
            reading = try process.open(ends.reading)
        } catch {
            ends.writing.release(isCrash: false)
            throw error
        }
        do throws(Errno) {
            return (reading, try process.open(ends.writing))
        } catch {
            _ = process.close(reading)
            throw error
        }
    }

    func nature(of file: FileDescriptor) throws(Errno) -> FileNature {
        guard let found = process.file(file) else { throw .badFileDescriptor }
        switch found {
        case let handle as FileHandle:
            switch handle.node.kind {
            case .regular: return .regular
            case .folder: return []
            case .fifo: return [.fifo, .waits, .stream]
            case .socket: return [.socket]
            }
        case is PipeEnd: return [.fifo, .waits, .stream]
        case is StreamSocket, is DatagramSocket: return [.socket, .waits, .stream]
        case is NullDevice: return []
        default: return [.waits, .stream]
        }
    }

    func hasWriter(_ fifo: FileDescriptor) throws(Errno) -> Bool {
        guard let end = process.file(fifo) as? PipeEnd else { throw .badFileDescriptor }
        return end.incoming?.writer != nil || end.incoming?.hasEnded == true
    }

    // MARK: - Child processes

    func spawn(_ request: SpawnRequest) throws(ProcessError) -> SpawnedProcess {
        guard let program = world.program(named: request.program) else {
            throw ProcessError(.start, .noSuchFileOrDirectory, path: request.program)
        }
        if let folder = request.workingDirectory,
            process.host.files.node(at: Array(folder.utf8))?.kind != .folder
        {
            throw ProcessError(.enterDirectory, .noSuchFileOrDirectory, path: folder)
        }
        let child = process.host.makeProcess(parent: process)
        if let group = request.group { child.groupID = group == 0 ? child.pid : group }
        if request.startsSession { child.groupID = child.pid }
        do throws(Errno) {
            try giveStreams(request, to: child)
            process.children.append(child)
            world.note(.childStarted, process.host.index, Int64(child.pid))
            begin(program, child, request)
            guard request.opensDescriptor else { return SpawnedProcess(pid: child.pid, descriptor: nil) }
            let descriptor = try process.open(ProcessDescriptor(host: process.host, child))
            return SpawnedProcess(pid: child.pid, descriptor: descriptor)
        } catch {
            process.children.removeAll { $0 === child }
            child.end(-SIGKILL)
            process.host.forget(child)
            throw ProcessError(.start, error, path: request.program)
        }
    }

    private func giveStreams(_ request: SpawnRequest, to child: SimulatedProcess) throws(Errno) {
        let sources = [request.sources.0, request.sources.1, request.sources.2]
        for (number, source) in sources.enumerated() {
            let file: OpenFile
            switch source {
            case .null:
                file = NullDevice(host: process.host)
            case .inherited:
                guard let inherited = process.descriptors.file(Int32(number)) else {
                    file = NullDevice(host: process.host)
                    break
                }
                inherited.retain()
                file = inherited
            case .descriptor(let descriptor):
                guard let given = process.file(descriptor) else { throw .badFileDescriptor }
                given.retain()
                file = given
            case .standardOutput:
                guard let output = child.descriptors.file(1) else { throw .badFileDescriptor }
                output.retain()
                file = output
            }
            child.descriptors.setStandard(number, file)
        }
    }

    /// The child runs a little later, on a loop of its own.
    private func begin(_ program: SimulatedProgram, _ child: SimulatedProcess, _ request: SpawnRequest) {
        let isSlow = world.choices.happens(.slowWork)
        let delay = isSlow ? world.choices.amount(of: .slowWork, within: 1_000...5_000_000) : 100_000
        let context = SimulatedChild(
            process: child,
            arguments: [request.program] + request.arguments,
            environment: request.environment ?? [:]
        )
        world.after(delay) { program.run(context, in: child) }
    }

    func takeExitStatus(of process: SpawnedProcess) throws(Errno) -> Int32? {
        guard let index = self.process.children.firstIndex(where: { $0.pid == process.pid }) else {
            throw .noChildProcess
        }
        guard let status = self.process.children[index].exitStatus else { return nil }
        self.process.host.forget(self.process.children.remove(at: index))
        return status
    }

    func sendSignal(_ signal: Signal, to process: SpawnedProcess) throws(Errno) {
        guard let child = self.process.children.first(where: { $0.pid == process.pid }) else {
            throw .noSuchProcess
        }
        child.receive(signal)
    }

    func sendSignal(_ signal: Signal, toGroupOf leader: SpawnedProcess, isReaped: Bool) throws(Errno) {
        let members = process.host.processes.filter { $0.groupID == leader.pid && $0.isAlive }
        guard !members.isEmpty else { throw .noSuchProcess }
        for member in members { member.receive(signal) }
    }

    func endProcesses(_ processes: [SpawnedProcess]) {
        for spawned in processes {
            if let child = process.children.first(where: { $0.pid == spawned.pid }) {
                child.receive(.kill)
                process.children.removeAll { $0 === child }
                process.host.forget(child)
            }
            if let descriptor = spawned.descriptor { _ = process.close(descriptor) }
        }
    }

    // MARK: - Signals

    func makeSignalWatch() throws(Errno) -> any SignalWatch {
        let file = SignalDescriptor(host: process.host)
        let watch = SimulatedSignalWatch(process: process, file: file, descriptor: try process.open(file))
        process.signalWatches.append(watch)
        return watch
    }

    func isIgnored(_ signal: Signal) -> Bool { false }

    func endProgram(by signal: Signal) -> Never {
        // The real process is not the program that the signal was for.
        fatalError(
            "\(signal) cannot end a program within a simulation: let its body return, or stop its host"
        )
    }
}

/// Stands for a child: readable when it has ended.
final class ProcessDescriptor: OpenFile {
    private let child: SimulatedProcess

    init(host: HostKernel, _ child: SimulatedProcess) {
        self.child = child
        super.init(host: host)
        child.endDescriptors.append(self)
    }

    override var readiness: Readiness { child.isAlive ? [] : .read }

    override func closed(isCrash: Bool) {
        child.endDescriptors.removeAll { $0 === self }
    }
}
