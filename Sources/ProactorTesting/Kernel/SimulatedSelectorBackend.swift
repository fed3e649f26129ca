import Proactor
import SystemPackage

/// The selector face: the library's own selector backend, over the simulated kernel.
final class SimulatedSelectorBackend: SteppableBackend {
    private let kernel: SimulatedSelectorKernel
    private let inner: SelectorBackend
    private let world: SimulatedWorld
    private var isCrashed = false

    init(process: SimulatedProcess, waker: SimulatedWaker) {
        world = process.world
        kernel = SimulatedSelectorKernel(process: process)
        inner = SelectorBackend(kernel: kernel, system: SimulatedSystemCalls(process: process), waker: waker)
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
    var listener: any ReadinessListener { kernel }
    var hasWork: Bool { !isCrashed && kernel.hasReady }

    func limit(_ timeoutNanoseconds: Int64) -> Int64 { inner.limit(timeoutNanoseconds) }
    func handOver() {}
    func useFlush(_ flush: @escaping () -> Void) { inner.useFlush(flush) }
    func useExecutor(_ submit: @escaping BlockingCallSubmission) { inner.useExecutor(submit) }
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
    func poll(timeoutNanoseconds: Int64) { inner.poll(timeoutNanoseconds: timeoutNanoseconds) }

    func deliver() {
        guard !isCrashed else { return }
        inner.deliver()
    }

    func crash(ofMachine isMachine: Bool) {
        isCrashed = true
        kernel.crash()
    }

    func close() {
        inner.close()
        guard isCrashed else { return }
        // Not now: a callback may be at it.
        world.whenIdle { [inner] in inner.freeMemory() }
    }
}
