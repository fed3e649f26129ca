import Proactor

/// The selector face: the library's own selector backend, over the simulated kernel.
final class SimulatedSelectorBackend: ForwardingBackend, SteppableBackend {
    private let kernel: SimulatedSelectorKernel
    private let selector: SelectorBackend
    private let world: SimulatedWorld
    private var isCrashed = false

    init(process: SimulatedProcess, waker: SimulatedWaker) {
        world = process.world
        kernel = SimulatedSelectorKernel(process: process)
        selector = SelectorBackend(
            kernel: kernel,
            system: SimulatedSystemCalls(process: process),
            waker: waker
        )
        super.init(selector)
    }

    /// The loop that it belongs to.
    func belong(to loop: SteppedLoop) {
        kernel.loop = loop
    }

    var listener: any ReadinessListener { kernel }
    var hasWork: Bool { !isCrashed && kernel.hasReady }

    func limit(_ timeoutNanoseconds: Int64) -> Int64 { selector.limit(timeoutNanoseconds) }
    func handOver() {}

    override func deliver() {
        guard !isCrashed else { return }
        selector.deliver()
    }

    func crash(ofMachine isMachine: Bool) {
        isCrashed = true
        kernel.crash()
    }

    override func close() {
        selector.close()
        guard isCrashed else { return }
        // Not now: a callback may be at it.
        world.whenIdle { [selector] in selector.freeMemory() }
    }
}
