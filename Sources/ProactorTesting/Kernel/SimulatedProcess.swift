import Glibc
import Proactor
import SystemPackage

/// A process of a simulated host: its descriptors, its loops, its children and its signals.
final class SimulatedProcess {
    let host: HostKernel
    let pid: Int32
    @exclusivity(unchecked) var descriptors = DescriptorTable()
    @exclusivity(unchecked) private(set) var loops: [SteppedLoop] = []
    @exclusivity(unchecked) private(set) var isAlive = true
    /// How it ended: the exit code, or minus the signal.
    @exclusivity(unchecked) private(set) var exitStatus: Int32?
    /// Not reaped yet.
    @exclusivity(unchecked) var children: [SimulatedProcess] = []
    weak var parent: SimulatedProcess?
    @exclusivity(unchecked) var groupID: Int32
    @exclusivity(unchecked) var signalWatches: [SimulatedSignalWatch] = []
    @exclusivity(unchecked) var ignoredSignals: Set<Int32> = []
    /// Descriptors that become readable when it ends.
    @exclusivity(unchecked) var endDescriptors: [ProcessDescriptor] = []
    /// Called with its end, once.
    @exclusivity(unchecked) private var endObservers: [() -> Void] = []
    private lazy var place = SimulatedPlace { [unowned self] in try makeLoop().loop }

    init(host: HostKernel, pid: Int32) {
        self.host = host
        self.pid = pid
        groupID = pid
    }

    var world: SimulatedWorld { host.world }

    /// Runs `body` as code of this process: loops that it makes are this one's.
    func enter<Result>(_ body: () throws -> Result) rethrows -> Result {
        let former = SimulatedPlace.current
        guard former !== place else { return try body() }
        SimulatedPlace.current = place
        defer { SimulatedPlace.current = former }
        return try body()
    }

    // MARK: - Loops

    /// A new loop, which does not run yet.
    ///
    /// - Parameter wrap: puts something between the loop and its backend.
    func makeLoop(
        wrapping wrap: (any CompletionBackend) -> any CompletionBackend = { $0 }
    ) throws -> SteppedLoop {
        let waker = SimulatedWaker(world: world)
        let backend: any SteppableBackend =
            switch world.face {
            case .ring: SimulatedRingBackend(process: self, waker: waker)
            case .selector: SimulatedSelectorBackend(process: self, waker: waker)
            }
        let loop = BaseEventLoop(backend: wrap(backend), label: "proactor.simulated")
        try loop.setDefaultExecutor(SimulatedExecutor(process: self))
        let stepped = SteppedLoop(loop, backend, process: self, number: loops.count)
        waker.loop = stepped
        backend.belong(to: stepped)
        loops.append(stepped)
        world.add(stepped)
        return stepped
    }

    /// Whether the simulation is there for the loops of this process alone.
    @exclusivity(unchecked) var isAlone = false

    func forget(_ loop: SteppedLoop) {
        (loop.backend.waker as? SimulatedWaker)?.loop = nil
        loops.removeAll { $0 === loop }
        world.remove(loop)
        if isAlone, loops.isEmpty { world.end() }
    }

    // MARK: - Descriptors

    /// The file behind a descriptor; a number of the real system's ends the simulation.
    func file(_ descriptor: FileDescriptor) -> OpenFile? {
        if let file = descriptors.file(descriptor.rawValue) { return file }
        if isAlive, descriptor.rawValue >= 0, descriptor.rawValue < DescriptorTable.first {
            world.fail(.realDescriptor(descriptor.rawValue))
        }
        return nil
    }

    func file<File: OpenFile>(_ descriptor: FileDescriptor, as type: File.Type) throws(Errno) -> File {
        guard let file = file(descriptor) else { throw .badFileDescriptor }
        guard let file = file as? File else { throw Errno(rawValue: ENOTSOCK) }
        return file
    }

    /// A descriptor for a new file.
    func open(_ file: OpenFile) throws(Errno) -> FileDescriptor {
        let shortage = shortage(.resourceShortage, file.shortages)
        guard shortage == 0 else {
            file.release(isCrash: false)
            throw Errno(rawValue: shortage)
        }
        guard let descriptor = descriptors.insert(file) else {
            file.release(isCrash: false)
            throw .tooManyOpenFiles
        }
        return descriptor
    }

    /// The error that a call ends with for want of something, as errno; zero when there is enough.
    func shortage(_ fault: SimulationFault, _ errors: [Int32]) -> Int32 {
        guard world.choices.happens(fault) else { return 0 }
        let error = world.choices.errno(of: fault, among: errors)
        world.note(.shortage, host.index, Int64(error))
        return error
    }

    func close(_ descriptor: FileDescriptor) -> Int32 {
        guard let file = descriptors.remove(descriptor.rawValue) else {
            let isReal = descriptor.rawValue < DescriptorTable.first
            // Where others had the number by now, it would be theirs that is closed.
            if world.isStrict, isAlive, !isReal { world.fail(.closedTwice(descriptor.rawValue)) }
            _ = self.file(descriptor)
            return EBADF
        }
        world.note(.closed, host.index, Int64(descriptor.rawValue))
        for loop in loops { file.removeWatcher(loop.listener, descriptor.rawValue) }
        file.release(isCrash: false)
        return 0
    }

    // MARK: - The end

    /// Calls `body` when the process has ended.
    func whenEnded(_ body: @escaping () -> Void) {
        if isAlive { endObservers.append(body) } else { body() }
    }

    /// The process is over. Its loops do nothing more, and its descriptors are closed.
    ///
    /// - Parameter isCrash: its machine is gone, and nobody hears of it.
    func end(_ status: Int32, isCrash: Bool = false) {
        guard isAlive else { return }
        isAlive = false
        exitStatus = status
        let loops = loops
        for loop in loops { loop.abandon(ofMachine: isCrash) }
        for (descriptor, file) in descriptors.open {
            _ = descriptors.remove(descriptor.rawValue)
            for loop in loops { file.removeWatcher(loop.listener, descriptor.rawValue) }
            file.release(isCrash: isCrash)
        }
        // What its tasks hold is let go of with them.
        for loop in loops { loop.closeAbandoned() }
        self.loops = []
        let watchers = endDescriptors
        endDescriptors = []
        for descriptor in watchers { descriptor.changed() }
        let observers = endObservers
        endObservers = []
        for observer in observers { observer() }
    }
}
