import Proactor

/// What a simulation needs of a backend besides what a loop needs.
protocol SteppableBackend: CompletionBackend {
    /// Whether there is something for the next poll to bring.
    var hasWork: Bool { get }
    /// How long a wait may last, in nanoseconds, that the loop would have last so long; below zero is without limit.
    func limit(_ timeoutNanoseconds: Int64) -> Int64
    /// Does what was submitted and not done yet.
    func handOver()
    /// The process is gone, or its whole machine: nothing comes of what is under way.
    func crash(ofMachine isMachine: Bool)
    /// The loop that it belongs to.
    func belong(to loop: SteppedLoop)
    /// What hears of its descriptors' changes.
    var listener: any ReadinessListener { get }
}

/// A loop of a host's that the simulation runs turn by turn.
final class SteppedLoop {
    let loop: BaseEventLoop
    let backend: any SteppableBackend
    let process: SimulatedProcess
    let number: Int
    @exclusivity(unchecked) private(set) var wakeTime: Int64 = .max
    @exclusivity(unchecked) private(set) var isRunning = false
    /// Set by ``SimulatedWaker``.
    @exclusivity(unchecked) var isWoken = false

    init(_ loop: BaseEventLoop, _ backend: any SteppableBackend, process: SimulatedProcess, number: Int) {
        self.loop = loop
        self.backend = backend
        self.process = process
        self.number = number
    }

    var world: SimulatedWorld { process.host.world }

    func isRunnable(at now: Int64) -> Bool {
        isRunning && (isWoken || wakeTime <= now || backend.hasWork)
    }

    /// The loop runs from here on, whenever there is something to do.
    func begin() throws {
        try loop.beginSteps()
        isRunning = true
        process.enter { prepare() }
    }

    /// One turn, and the beginning of the next one.
    func turn() {
        isWoken = false
        world.note(.turn, process.host.index, Int64(number))
        process.enter {
            loop.finishStep()
            guard isRunning else { return }
            if loop.isAskedToStop { end() } else { prepare() }
        }
    }

    private func prepare() {
        let wanted = loop.beginStep()
        backend.handOver()
        let timeout = backend.limit(wanted)
        wakeTime = timeout < 0 ? .max : world.now + timeout
    }

    /// The loop runs no more.
    func end() {
        guard isRunning else { return }
        isRunning = false
        wakeTime = .max
        loop.endSteps()
    }
}

/// Wakes a simulated loop: from the simulation's thread only.
final class SimulatedWaker: LoopWaker, @unchecked Sendable {
    private let world: SimulatedWorld
    /// Set before the loop runs, used on the simulation's thread, and taken back before the loop goes.
    @exclusivity(unchecked) unowned(unsafe) var loop: SteppedLoop?
    /// The loop's ring, if it has one, which is woken as rings are. Taken back before the ring goes.
    @exclusivity(unchecked) unowned(unsafe) var ring: SimulatedRingKernel?

    init(world: SimulatedWorld) {
        self.world = world
    }

    func wake() {
        guard world.checkThread() else { return }
        if let ring { ring.wake() } else { loop?.isWoken = true }
    }
}

extension SteppedLoop {
    /// What hears of its descriptors' changes.
    var listener: any ReadinessListener { backend.listener }

    /// Its process is gone: it runs no more, and nobody is told anything.
    func abandon(ofMachine isMachine: Bool) {
        end()
        backend.crash(ofMachine: isMachine)
        world.remove(self)
    }

    /// Lets go of what the abandoned loop holds.
    func closeAbandoned() {
        try? loop.close()
    }
}
