import Glibc
import Proactor
import SystemPackage

/// The selector face of the simulated kernel: readiness, level-triggered, and the calls that the library's own selector backend
/// makes.
///
/// `@unchecked Sendable`: the simulation's thread alone uses it; an executor's work runs there too.
final class SimulatedSelectorKernel: SelectorKernel, ReadinessListener, @unchecked Sendable {
    private let process: SimulatedProcess
    private let world: SimulatedWorld
    /// Taken back before the loop goes.
    @exclusivity(unchecked) unowned(unsafe) var loop: SteppedLoop?
    private struct Watch {
        var interest = Readiness.nothing
        var isCandidate = false
    }
    /// Indexed by descriptor.
    @exclusivity(unchecked) private var watches: [Watch] = []
    /// Descriptors that may be ready.
    @exclusivity(unchecked) private var candidates: [Int32] = []
    @exclusivity(unchecked) private var spare = SpareArray<Int32>()

    init(process: SimulatedProcess) {
        self.process = process
        world = process.world
    }

    // MARK: - Readiness

    func watch(_ descriptor: Int32, for interest: Readiness) throws(Errno) {
        let index = Int(descriptor)
        while watches.count <= index { watches.append(Watch()) }
        if interest.rawValue & ~watches[index].interest.rawValue != 0,
            process.shortage(.memoryShortage, [ENOMEM]) != 0
        {
            throw .noMemory
        }
        watches[index].interest = interest
        guard !interest.isNothing else { return }
        guard let file = process.file(FileDescriptor(rawValue: descriptor)) else { throw .badFileDescriptor }
        guard file.canBeWatched else { throw .notPermitted }
        file.addWatcher(self, descriptor)
        readinessChanged(descriptor)
    }

    func readinessChanged(_ descriptor: Int32) {
        let index = Int(descriptor)
        guard index < watches.count, !watches[index].isCandidate, !watches[index].interest.isNothing else {
            return
        }
        watches[index].isCandidate = true
        candidates.append(descriptor)
    }

    /// What a descriptor is ready for, of what it is watched for.
    private func readiness(_ descriptor: Int32) -> Readiness {
        let interest = watches[Int(descriptor)].interest
        guard !interest.isNothing else { return .nothing }
        guard let file = process.descriptors.file(descriptor) else { return interest }
        let found = file.readiness
        return found.meets(.hangUp) ? interest : found.common(interest)
    }

    var hasReady: Bool {
        while let last = candidates.last {
            if !readiness(last).isNothing { return true }
            watches[Int(last)].isCandidate = false
            candidates.removeLast()
        }
        return false
    }

    func wait(timeoutNanoseconds: Int64, into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int {
        if let loop, !loop.isRunning { world.wait(for: loop, timeoutNanoseconds: timeoutNanoseconds) }
        var batch = spare.exchange(&candidates)
        world.choices.shuffle(&batch)
        var count = 0
        for descriptor in batch {
            watches[Int(descriptor)].isCandidate = false
            var found = readiness(descriptor)
            if found.isNothing {
                guard world.choices.happens(.spuriousReadiness) else { continue }
                found = watches[Int(descriptor)].interest.subtracting(.hangUp)
                guard !found.isNothing else { continue }
            } else {
                // Level-triggered: it is looked at again.
                readinessChanged(descriptor)
                if world.choices.happens(.lateCompletions) { continue }
            }
            guard count < ready.count else { continue }
            let isHungUp = process.descriptors.file(descriptor)?.readiness.meets(.hangUp) ?? true
            ready[count] = ReadyDescriptor(descriptor: descriptor, readiness: isHungUp ? .anything : found)
            count += 1
        }
        spare.keep(batch)
        return count
    }

    func close() {
        for (descriptor, file) in process.descriptors.open { file.removeWatcher(self, descriptor.rawValue) }
        if let loop { process.forget(loop) }
        loop = nil
        crash()
    }

    func crash() {
        candidates = []
        watches = []
    }

    // MARK: - Sockets and pipes

    private func file(_ descriptor: Int32) -> OpenFile? { process.file(FileDescriptor(rawValue: descriptor)) }

    private var isInterrupted: Bool { world.choices.happens(.interrupts) }

    func accept(_ listener: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        switch process.accept(FileDescriptor(rawValue: listener)) {
        case .failure(let failure): return -failure.errno
        case .success(let accepted):
            // The caller's own memory, for the time of the call.
            if let form = try? accepted.socket.remote?.kernelForm() { address.pointee = form }
            return accepted.descriptor.rawValue
        }
    }

    func connect(_ socket: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        let bytes = UnsafeRawBufferPointer(start: address, count: Int(address.pointee.length))
        guard let target = SocketAddress(kernelForm: bytes) else { return -EAFNOSUPPORT }
        return -process.connect(FileDescriptor(rawValue: socket), to: target)
    }

    func takePendingError(_ socket: Int32) -> Int32 {
        file(socket).map { -SocketErrors.take(of: $0) } ?? -EBADF
    }

    func hasPeer(_ socket: Int32) -> Bool {
        guard let stream = file(socket) as? StreamSocket else { return true }
        return stream.state == .connected
    }

    func receiveDatagram(
        _ socket: Int32,
        _ buffer: UnsafeMutableRawBufferPointer,
        _ reception: UnsafeMutablePointer<DatagramReception>
    ) -> Int32 {
        guard let socket = file(socket) as? DatagramSocket else { return -ENOTSOCK }
        if isInterrupted { return -EINTR }
        switch socket.receive() {
        case .failure(let failure): return -failure.errno
        case .success(let datagram):
            let count = min(datagram.bytes.count, buffer.count)
            datagram.bytes.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[..<count])) }
            reception.note(from: try? datagram.source.kernelForm(), isTruncated: count < datagram.bytes.count)
            return Int32(count)
        }
    }

    func receiveMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        isInterrupted ? -EINTR : Int32(process.receiveMessage(FileDescriptor(rawValue: socket), message))
    }

    func sendMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        isInterrupted ? -EINTR : Int32(process.sendMessage(FileDescriptor(rawValue: socket), message))
    }

    func sendFile(_ socket: Int32, _ file: Int32, _ offset: Int64, _ count: Int) -> Int32 {
        let (socket, file) = (FileDescriptor(rawValue: socket), FileDescriptor(rawValue: file))
        return isInterrupted ? -EINTR : Int32(process.sendFile(socket, file, at: offset, count: count))
    }

    func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        isInterrupted ? -EINTR : Int32(file(descriptor)?.read(into: buffer) ?? -Int(EBADF))
    }

    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        isInterrupted ? -EINTR : Int32(file(descriptor)?.write(bytes) ?? -Int(EBADF))
    }

    func isOpen(_ descriptor: Int32) -> Bool { process.descriptors.file(descriptor) != nil }
    func closeDescriptor(_ descriptor: Int32) -> Int32 {
        -process.close(FileDescriptor(rawValue: descriptor))
    }

    // MARK: - Files

    func openFile(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32) -> Int32 {
        process.openFile(path, flags: flags, mode: mode)
    }

    func readFile(_ file: Int32, _ target: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int32 {
        process.readFile(FileDescriptor(rawValue: file), target, at: offset)
    }

    func writeFile(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
        process.writeFile(FileDescriptor(rawValue: file), bytes, at: offset)
    }

    func synchronizeFile(_ file: Int32) -> Int32 { process.synchronizeFile(FileDescriptor(rawValue: file)) }

    func fileStatus(_ file: Int32, _ memory: UnsafeMutableRawPointer) -> Int32 {
        process.fileStatus(FileDescriptor(rawValue: file), memory)
    }
}
