import Proactor

/// The ring face: the library's own backend for rings, over the simulated kernel.
final class SimulatedRingBackend: ForwardingBackend, SteppableBackend {
    private let kernel: SimulatedRingKernel
    private let uring: UringBackend
    private let world: SimulatedWorld
    private var isCrashed = false

    init(process: SimulatedProcess, waker: SimulatedWaker) {
        world = process.world
        let nature = SimulatedRingNature(process.world.choices)
        kernel = SimulatedRingKernel(process: process, waker: waker, nature)
        uring = UringBackend(
            ring: kernel,
            system: SimulatedSystemCalls(process: process),
            completionsPerTurn: nature.completionsPerTurn,
            datagramSizeMax: SimulatedRingKernel.datagramSizeMax
        )
        if let budget = nature.budget { uring.budget = budget }
        super.init(uring)
    }

    /// The loop that it belongs to.
    func belong(to loop: SteppedLoop) {
        kernel.loop = loop
    }

    var listener: any ReadinessListener { kernel }
    var hasWork: Bool { !isCrashed && kernel.hasWork }

    func limit(_ timeoutNanoseconds: Int64) -> Int64 { uring.limit(timeoutNanoseconds) }

    func handOver() {
        guard !isCrashed else { return }
        uring.prepareToWait()
        _ = kernel.submit()
    }

    override func poll(timeoutNanoseconds: Int64) {
        kernel.isPolled = true
        uring.poll(timeoutNanoseconds: timeoutNanoseconds)
        kernel.isPolled = false
    }

    override func deliver() {
        guard !isCrashed else { return }
        uring.deliver()
    }

    func crash(ofMachine isMachine: Bool) {
        isCrashed = true
        kernel.crash(ofMachine: isMachine)
    }

    override func close() {
        uring.close()
        kernel.leaveLoop()
        guard isCrashed else { return }
        // Not now: a callback may be at it.
        world.whenIdle { [uring] in uring.freeMemory() }
    }
}
