import Glibc
import Proactor
import SystemPackage

/// The ring face of the simulated kernel: operations go in, completions come out.
///
/// An operation is tried when it is handed over, and again whenever its descriptor changes. What has completed is delivered by the
/// next delivery, in an order of the simulation's choosing. Bytes are taken from the kernel when the operation completes, as a
/// ring does, and not when its owner hears of it.
final class SimulatedRing: SteppableBackend, ReadinessListener {
    struct Collected {
        let slot: Int
        let generation: UInt32
        let result: Int32
        let isFinal: Bool
        /// Where its bytes are in the arena.
        var bytes = 0..<0
        /// Where an accepted connection or a datagram came from.
        var source: SocketAddress?
        var isTruncated = false
    }

    /// Who waits on which side of a descriptor; below zero is nobody.
    private struct Sides {
        var reader: Int32 = -1
        var writer: Int32 = -1
    }

    let process: SimulatedProcess
    let world: SimulatedWorld
    let system: any SystemCalls
    let waker: any LoopWaker
    @exclusivity(unchecked) var slots = RingSlots()
    @exclusivity(unchecked) private var sides: [Sides] = []
    @exclusivity(unchecked) private var submitted: [Int] = []
    @exclusivity(unchecked) private var cancels: [OperationToken] = []
    /// Operations that may go on.
    @exclusivity(unchecked) private var candidates: [Int] = []
    @exclusivity(unchecked) var collected: [Collected] = []
    @exclusivity(unchecked) private var spareSlots = SpareArray<Int>()
    @exclusivity(unchecked) private var spareCollected = SpareArray<Collected>()
    @exclusivity(unchecked) private var isClosed = false
    @exclusivity(unchecked) private var isCrashed = false
    // What completions lend: filled from its beginning, and free again once all of a turn's are delivered. This object's own.
    @exclusivity(unchecked) private(set) var arena = UnsafeMutableRawBufferPointer.allocate(
        byteCount: arenaSize,
        alignment: 8
    )
    @exclusivity(unchecked) var arenaUsed = 0
    @exclusivity(unchecked) var meter: TurnMeter?
    // Where an address is put for the time of a call.
    private let address = UnsafeMutablePointer<KernelAddress>.allocate(capacity: 1)

    private static let arenaSize = 256 * 1024

    init(process: SimulatedProcess, waker: any LoopWaker) {
        self.process = process
        world = process.world
        self.waker = waker
        system = SimulatedSystemCalls(process: process)
        address.initialize(to: .blank)
    }

    deinit {
        arena.deallocate()
        address.deallocate()
    }

    var operationCount: Int { slots.count }
    var immediateSendSize: Int { 8 * 1024 }
    var asksForSendsAtOnce: Bool { false }
    var datagramSizeMax: Int { 65_536 }
    var waitsForChildren: Bool { true }
    var listener: any ReadinessListener { self }
    var hasWork: Bool { !candidates.isEmpty || !collected.isEmpty || !submitted.isEmpty || !cancels.isEmpty }

    func start() throws(RingUnavailable) {}
    func settle() {}
    func limit(_ timeoutNanoseconds: Int64) -> Int64 { timeoutNanoseconds }

    @discardableResult
    func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        precondition(!isClosed, "an operation was submitted to a closed backend")
        let slot = slots.insert(operation, owner)
        submitted.append(slot)
        return slots.token(slot)
    }

    func cancel(_ token: OperationToken) {
        guard let slot = slots.find(token), slots[slot].state == .inFlight else { return }
        slots[slot].state = .cancelling
        cancels.append(token)
    }

    func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool {
        cancel(token)
        guard !isClosed, !world.choices.happens(.cancelRaces) else { return false }
        handOver()
        _ = process.close(listener)
        return true
    }

    // MARK: - A turn

    func handOver() {
        guard !isCrashed else { return }
        while !submitted.isEmpty {
            let batch = spareSlots.exchange(&submitted)
            for slot in batch where slots[slot].state == .inFlight || slots[slot].state == .cancelling {
                begin(slot)
            }
            spareSlots.keep(batch)
        }
        guard !cancels.isEmpty else { return }
        let requests = cancels
        cancels.removeAll(keepingCapacity: true)
        for token in requests { reachKernel(token) }
    }

    /// A cancel takes effect at once, or some turns later: until then the operation's side of its descriptor is taken.
    private func reachKernel(_ token: OperationToken) {
        guard world.choices.happens(.lateCompletions) else { return endEarly(token) }
        world.after(world.choices.amount(of: .lateCompletions, within: 1_000...100_000)) { [weak self] in
            guard let self, !isClosed, !isCrashed else { return }
            endEarly(token)
        }
    }

    func poll(timeoutNanoseconds: Int64) {
        handOver()
        if let loop = process.loop(of: self), !loop.isRunning {
            world.wait(for: loop, timeoutNanoseconds: timeoutNanoseconds)
        }
        collect()
    }

    private func collect() {
        guard !candidates.isEmpty else { return }
        var batch = spareSlots.exchange(&candidates)
        world.choices.shuffle(&batch)
        for slot in batch where slots[slot].state != .free {
            slots[slot].isQueued = false
            guard slots[slot].state == .inFlight else { continue }
            if !slots[slot].hasBegun, world.choices.happens(.lateCompletions) {
                delay(slot, world.choices.amount(of: .lateCompletions, within: 1_000...200_000))
            } else {
                attempt(slot)
            }
        }
        spareSlots.keep(batch)
    }

    func deliver() {
        let batch = spareCollected.exchange(&collected)
        for completion in batch {
            guard !isClosed, !isCrashed else { return }
            deliver(completion)
        }
        spareCollected.keep(batch)
        if collected.isEmpty { arenaUsed = 0 }
    }

    private func deliver(_ completion: Collected) {
        let slot = completion.slot
        guard slots.isCurrent(slot, completion.generation) else { return }
        let token = slots.token(slot)
        let operation = slots[slot].operation
        world.note(.completion, process.host.index, Int64(completion.result))
        // The arena keeps the bytes until all of the turn's completions are delivered.
        var bytes = UnsafeRawBufferPointer(rebasing: arena[completion.bytes])
        if let source = completion.source, let form = try? source.kernelForm() {
            address.pointee = form
            if case .receiveDatagrams(_, let reception) = operation {
                reception.note(from: form, isTruncated: completion.isTruncated)
            } else {
                bytes = UnsafeRawBufferPointer(start: address, count: Int(form.length))
            }
        }
        let owner = completion.isFinal ? retire(slot) : slots[slot].owner
        let told = Completion(
            token: token,
            result: completion.result,
            isFinal: completion.isFinal,
            bytes: bytes
        )
        if let meter {
            // Held by the constant above until the call is over.
            withExtendedLifetime(owner) { meter.tell(owner.map { Unmanaged.passUnretained($0) }, told) }
        } else {
            owner?.operationCompleted(told)
        }
        if owner == nil, completion.result >= 0, operation.kind.bringsDescriptor {
            _ = process.close(FileDescriptor(rawValue: completion.result))
        }
    }

    // MARK: - Operations

    private func begin(_ slot: Int) {
        let operation = slots[slot].operation
        if let descriptor = operation.descriptor, let side = operation.side {
            guard let file = process.file(descriptor) else { return complete(slot, -EBADF) }
            occupy(descriptor.rawValue, side, slot)
            file.addWatcher(self, descriptor.rawValue)
            let shortage = operation.needsMemory ? process.shortage(.memoryShortage, [ENOMEM]) : 0
            guard shortage == 0 else { return complete(slot, -shortage) }
        }
        attempt(slot)
    }

    private func occupy(_ descriptor: Int32, _ side: Readiness, _ slot: Int) {
        let index = Int(descriptor)
        while sides.count <= index { sides.append(Sides()) }
        precondition(
            (side == .read ? sides[index].reader : sides[index].writer) < 0,
            "two operations on one side of a descriptor"
        )
        if side == .read { sides[index].reader = Int32(slot) } else { sides[index].writer = Int32(slot) }
    }

    func readinessChanged(_ descriptor: Int32) {
        guard Int(descriptor) < sides.count else { return }
        let found = sides[Int(descriptor)]
        if found.reader >= 0 { queue(Int(found.reader)) }
        if found.writer >= 0 { queue(Int(found.writer)) }
    }

    func queue(_ slot: Int) {
        guard slots[slot].state == .inFlight, !slots[slot].isQueued else { return }
        slots[slot].isQueued = true
        candidates.append(slot)
    }

    /// Has it tried again after a while.
    func delay(_ slot: Int, _ nanoseconds: Int64) {
        slots[slot].isQueued = true
        let generation = slots[slot].generation
        world.events.insert(.retry(self, slot: slot, generation: generation), at: world.now + nanoseconds)
    }

    func retry(_ slot: Int, _ generation: UInt32) {
        guard !isClosed, slots.isCurrent(slot, generation) else { return }
        slots[slot].isQueued = false
        queue(slot)
    }

    /// Notes the last completion of an operation, which leaves its side of the descriptor.
    func complete(_ slot: Int, _ result: Int32, bytes: Range<Int> = 0..<0) {
        leaveSide(slot)
        slots[slot].state = .over
        collected.append(
            Collected(
                slot: slot,
                generation: slots[slot].generation,
                result: result,
                isFinal: true,
                bytes: bytes
            )
        )
    }

    private func leaveSide(_ slot: Int) {
        guard let descriptor = slots[slot].operation.descriptor, descriptor.rawValue >= 0 else { return }
        let index = Int(descriptor.rawValue)
        guard index < sides.count else { return }
        if sides[index].reader == Int32(slot) { sides[index].reader = -1 }
        if sides[index].writer == Int32(slot) { sides[index].writer = -1 }
    }

    private func retire(_ slot: Int) -> CompletionOwner? { slots.retire(slot) }

    /// A cancel has reached the kernel: it may find the operation done.
    private func endEarly(_ token: OperationToken) {
        guard let slot = slots.find(token), slots[slot].state == .cancelling else { return }
        if world.choices.happens(.cancelRaces) {
            slots[slot].state = .inFlight
            let count = collected.count
            attempt(slot)
            if slots[slot].state == .over { return world.note(.cancel, process.host.index, 1) }
            if collected.count > count, collected[collected.count - 1].slot == slot {
                // What it brought at the last moment is its end.
                let last = collected.removeLast()
                leaveSide(slot)
                slots[slot].state = .over
                collected.append(
                    Collected(
                        slot: slot,
                        generation: last.generation,
                        result: last.result,
                        isFinal: true,
                        bytes: last.bytes,
                        source: last.source,
                        isTruncated: last.isTruncated
                    )
                )
                return world.note(.cancel, process.host.index, 1)
            }
        }
        world.note(.cancel, process.host.index, 0)
        complete(slot, -ECANCELED)
    }

    // MARK: - The end

    func crash() {
        isCrashed = true
        // Tasks that will never go on keep the loop, and it this, but not so much memory. Not now: a callback may look at it.
        if world.isOver { freeArena() } else { world.after(0) { self.freeArena() } }
        candidates = []
        submitted = []
        cancels = []
        collected = []
    }

    private func freeArena() {
        arena.deallocate()
        arena = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        // An accepted connection that nobody will hear of must not leak, nor what was to be closed.
        for completion in collected where completion.result >= 0 {
            guard slots.isCurrent(completion.slot, completion.generation) else { continue }
            if slots[completion.slot].operation.kind.bringsDescriptor {
                _ = process.close(FileDescriptor(rawValue: completion.result))
            }
        }
        let pending = submitted.compactMap { slot -> FileDescriptor? in
            switch slots[slot].operation {
            case .close(let descriptor), .closeFile(let descriptor): descriptor
            default: nil
            }
        }
        collected = []
        candidates = []
        submitted = []
        for descriptor in pending { _ = process.close(descriptor) }
        for (descriptor, file) in process.descriptors.open { file.removeWatcher(self, descriptor.rawValue) }
        if let loop = process.loop(of: self) { process.forget(loop) }
        let left = slots.takeAll()
        // Last, since releasing may run the owners' deinitialisers.
        withExtendedLifetime(left) {}
    }
}

extension IOOperation {
    /// Whether a ring may find no memory for it: what transfers or waits has some of its own in the kernel.
    fileprivate var needsMemory: Bool {
        switch self {
        case .receive, .receiveOnce, .receiveInto, .receiveMessage, .receiveDatagrams, .send, .sendMessage,
            .waitUntilReadable, .waitUntilWritable, .pipeRead, .pipeReadInto, .pipeWrite, .pipeWriteVector:
            true
        default: false
        }
    }
}
