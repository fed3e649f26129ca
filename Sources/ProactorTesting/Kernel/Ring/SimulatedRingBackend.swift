import Proactor
import SystemPackage

/// The ring face: the library's own backend for rings, over the simulated kernel.
final class SimulatedRingBackend: SteppableBackend {
    private let kernel: SimulatedRingKernel
    private let inner: UringBackend
    private let world: SimulatedWorld
    private var isCrashed = false

    init(process: SimulatedProcess, waker: SimulatedWaker) {
        world = process.world
        let nature = SimulatedRingNature(process.world.choices)
        kernel = SimulatedRingKernel(process: process, waker: waker, nature)
        inner = UringBackend(
            ring: kernel,
            system: SimulatedSystemCalls(process: process),
            completionsPerTurn: nature.completionsPerTurn,
            datagramSizeMax: SimulatedRingKernel.datagramSizeMax
        )
        if let budget = nature.budget { inner.budget = budget }
    }

    /// The loop that it belongs to.
    func belong(to loop: SteppedLoop) {
        kernel.loop = loop
    }

    var system: any SystemCalls { inner.system }
    var waker: any LoopWaker { inner.waker }
    var meter: TurnMeter? {
        get { inner.meter }
        set { inner.meter = newValue }
    }
    var operationCount: Int { inner.operationCount }
    var immediateSendSize: Int { inner.immediateSendSize }
    var asksForSendsAtOnce: Bool { inner.asksForSendsAtOnce }
    var datagramSizeMax: Int { inner.datagramSizeMax }
    var waitsForChildren: Bool { inner.waitsForChildren }
    var listener: any ReadinessListener { kernel }
    var hasWork: Bool { !isCrashed && kernel.hasWork }

    func limit(_ timeoutNanoseconds: Int64) -> Int64 { inner.limit(timeoutNanoseconds) }

    func handOver() {
        guard !isCrashed else { return }
        inner.prepareToWait()
        _ = kernel.submit()
    }

    func start() throws(RingUnavailable) { try inner.start() }

    @discardableResult
    func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        inner.submit(operation, owner: owner)
    }

    func cancel(_ token: OperationToken) { inner.cancel(token) }

    func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool {
        inner.endAccept(token, closing: listener)
    }

    func settle() { inner.settle() }

    func poll(timeoutNanoseconds: Int64) {
        kernel.isPolled = true
        inner.poll(timeoutNanoseconds: timeoutNanoseconds)
        kernel.isPolled = false
    }

    func deliver() {
        guard !isCrashed else { return }
        inner.deliver()
    }

    func crash(ofMachine isMachine: Bool) {
        isCrashed = true
        kernel.crash(ofMachine: isMachine)
    }

    func close() {
        inner.close()
        kernel.leaveLoop()
        guard isCrashed else { return }
        // Not now: a callback may be at it.
        world.whenIdle { [inner] in inner.freeMemory() }
    }
}
