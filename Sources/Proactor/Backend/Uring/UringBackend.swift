import CPosix
import CUring
import Glibc
import SystemPackage

/// ``CompletionBackend`` on an io_uring.
///
/// It hides the ring's moods from the owners of operations: a multishot operation that the kernel ended is armed again, a
/// receive that found no buffer waits for one, a full submission queue delays and never loses. What owners see is the
/// same in every configuration.
///
/// Completions are first moved out of the ring and then delivered, so that what owners do in a call cannot grow the
/// list that is being walked.
package final class UringBackend: CompletionBackend {
    package let system: any SystemCalls
    let features: RingFeatures
    package var waker: any LoopWaker { ring.waker }

    /// Whether Unix sockets are received from one piece at a time, and all others by multishot receives.
    let sparesUnixSockets: Bool

    let ring: any RingCalls
    /// The same, for what is called often.
    let directRing: DirectRing
    let table = OperationTable()
    let streamBuffers: ProvidedBuffers
    /// What files are sent through.
    let pipes: TransferPipes
    let reapedCapacity: Int
    package let datagramSizeMax: Int
    /// A child of it shares the ring, and has none of its queues.
    let process = ProcessOfOrigin()
    let reaped: UnsafeMutablePointer<RingCompletion>

    // Exclusivity: all of it belongs to the loop's thread. No access to one of these is under way while an owner is called.
    @exclusivity(unchecked) var reapedCount = 0
    /// Made with the first receive of datagrams.
    @exclusivity(unchecked) var datagramBuffers: ProvidedBuffers?
    /// Made with the first of ``BufferGroup/singles``. Without memory for them those of streams do.
    @exclusivity(unchecked) var singleBuffers: ProvidedBuffers?
    @exclusivity(unchecked) var hasTriedSingleBuffers = false
    /// Submissions and cancel requests that found no room, oldest first.
    @exclusivity(unchecked) var parked: [OperationToken] = []
    /// Receives that found no buffer, oldest first.
    @exclusivity(unchecked) var starved: [OperationToken] = []
    /// Single receives that brought something in this turn: they are armed again behind those that found no buffer.
    @exclusivity(unchecked) var satisfied: [OperationToken] = []
    /// Accepts that end with each connection, and are armed again within the turn: their owners have dealt with the last one.
    @exclusivity(unchecked) var accepting: [OperationToken] = []
    @exclusivity(unchecked) package var meter: TurnMeter?
    /// How much of all this a turn delivers.
    @exclusivity(unchecked) package var budget = TurnBudget()
    /// Receives that have had their share, in the order in which they get the next one.
    @exclusivity(unchecked) var sated = RawQueue<OperationToken>()
    /// Whether this turn's bytes come from such receives.
    @exclusivity(unchecked) var hasSharedOut = false
    /// What accepts that wait are told by, one for each listener.
    @exclusivity(unchecked) var listenerWatches: [ListenerWatch] = []
    /// Operations whose descriptor is ready for ever and brings nothing.
    @exclusivity(unchecked) var resting = RestingOperations()
    /// Operations that ended without the kernel: their final completion is still to be delivered.
    @exclusivity(unchecked) var ended: [EndedOperation] = []
    @exclusivity(unchecked) private var wasWokenBeforeStart = false
    /// How often in a row the kernel has refused to enter the ring.
    @exclusivity(unchecked) private var refusals = 0
    /// Zero until started.
    @exclusivity(unchecked) var ownerThread: UInt64 = 0
    @exclusivity(unchecked) var isClosed = false
    private var isFreed = false
    /// Completions that named no operation. The kernel keeps its word, so it stays zero, which tests look at.
    @exclusivity(unchecked) var staleCompletionCount = 0

    /// An operation that is over for the table and not yet for its owner, whom it retains.
    struct EndedOperation {
        let token: OperationToken
        let owner: Unmanaged<CompletionOwner>?
        let result: Int32
    }

    package static let messageToken = OperationToken(kind: .wake, generation: 0, slot: 0)
    static let wakeUpReadToken = OperationToken(kind: .wake, generation: 0, slot: 1)
    static let cancelAllToken = OperationToken(kind: .cancel, generation: 0, slot: .max)

    /// How long a wait may last while the kernel refuses submissions for want of memory.
    private static let refusedSubmissionDelayNanoseconds: Int64 = 1_000_000
    /// How long the loop rests when the kernel refuses the ring, and how often that is doubled: up to 10 ms.
    private static let firstRefusalRestNanoseconds: Int64 = 40_000
    private static let refusalRestDoublingsMax = 8

    convenience init(configuration: RingConfiguration) throws(RingUnavailable) {
        self.init(
            ring: try KernelRing(configuration: configuration),
            system: LinuxSystemCalls(nonBlocking: false),
            completionsPerTurn: configuration.completionsPerTurn,
            datagramSizeMax: configuration.datagramSize
        )
    }

    package init(
        ring: any RingCalls,
        system: any SystemCalls,
        completionsPerTurn: Int,
        datagramSizeMax: Int = .max
    ) {
        self.datagramSizeMax = datagramSizeMax
        self.ring = ring
        directRing = DirectRing(ring)
        self.system = system
        features = ring.features
        sparesUnixSockets = features.multishotReceive && !features.multishotUnixReceive
        streamBuffers = ProvidedBuffers(ring: ring, area: ring.streamBuffers)
        pipes = TransferPipes(system: system)
        reapedCapacity = completionsPerTurn
        reaped = .allocate(capacity: completionsPerTurn)
    }

    deinit {
        close()
        freeMemory()
    }

    /// Frees what a closed backend is never asked for again. A simulation calls it: there tasks that never go on keep the backend.
    package func freeMemory() {
        precondition(isClosed, "a ring's memory was freed before it was closed")
        guard !isFreed else { return }
        isFreed = true
        if table.count == 0 { table.shrink() }
        reaped.deallocate()
    }

    package var operationCount: Int { table.count + ended.count }
    package var immediateSendSize: Int { 8 * 1024 }
    package var waitsForChildren: Bool { features.childWaits }
    package var asksForSendsAtOnce: Bool { false }

    package func start() throws(RingUnavailable) {
        precondition(ownerThread == 0 && !isClosed, "a ring is started once, before it is closed")
        process.check()
        wasWokenBeforeStart = try ring.start()
        ownerThread = cposix_thread_id()
        if !features.messageWakeUp { armWakeUpRead() }
    }

    // MARK: - Submission

    @discardableResult
    package func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        precondition(!isClosed, "an operation was submitted to a closed loop")
        guard process.isCurrent else { return submitInFork(operation) }
        let token = table.insert(operation, owner: owner)
        if case .sendFile(let transfer) = operation, !equip(transfer, token: token) { return token }
        if case .receiveDatagrams = operation, datagramBuffers == nil, !makeDatagramBuffers(for: token) {
            return token
        }
        guard let record = table.find(token) else { preconditionFailure("an operation ended as it began") }
        if isSingle(operation) {
            record.pointee.isSingle = true
            if token.isOf(.receiveOnce), !hasTriedSingleBuffers { makeSingleBuffers() }
        }
        if operation.takesShares { give(budget.firstShare, to: record) }
        if !parked.isEmpty || !prepare(record, token: token) { park(token) }
        return token
    }

    package func cancel(_ token: OperationToken) {
        // In a fork's child the operation is the parent's.
        guard !isClosed, process.isCurrent, let record = table.find(token) else { return }
        switch record.pointee.state {
        case .inFlight:
            table.transition(record, to: .cancelling)
            requestCancel(of: token)
        case .parked:
            // The kernel never had it, or has it no more. The owner stays retained until it is told.
            if case .sendFile(let transfer) = record.pointee.operation { unequip(transfer) }
            endWithoutKernel(token, .canceled)
        case .cancelling, .free:
            return
        }
    }

    // MARK: - A turn

    package func settle() {
        deliverEnded()
    }

    package func poll(timeoutNanoseconds: Int64) {
        precondition(ownerThread != 0 && !isClosed, "a ring is polled between start and close")
        // The kernel would refuse another thread too, but a poll with nothing to do does not ask it.
        precondition(
            cposix_thread_id() == ownerThread,
            "a ring was polled on another thread than the one that started it"
        )
        process.check()
        // A busy loop polls after every batch of callbacks: with nothing to hand over or to fetch that costs no system call.
        if timeoutNanoseconds == 0, parked.isEmpty, resting.isEmpty, directRing.isQuiet { return }
        prepareToWait()
        if let meter, meter.splitsSubmission { meter.timeSubmission { _ = ring.submit() } }
        let limit = limit(timeoutNanoseconds)
        let result = directRing.submitAndWait(timeoutNanoseconds: limit)
        reapedCount += directRing.reap(into: reaped + reapedCount, capacity: reapedCapacity - reapedCount)
        // What was reaped is a copy, so the ring may change under it.
        directRing.growIfStrained()
        if result < 0 { wasRefused(Errno(rawValue: -result), limit) } else { refusals = 0 }
    }

    /// Has tried again what waits for that. A simulation hands over and waits between this and the poll.
    package func prepareToWait() {
        if !resting.isEmpty { endRests() }
        if !parked.isEmpty { retryParked() }
    }

    package func deliver() {
        // Most turns of a loop that is busy with callbacks bring nothing.
        if reapedCount > 0 || !ended.isEmpty || !sated.isEmpty || !starved.isEmpty { deliverWhatCame() }
    }

    // Not inlined: the registers that it saves would be saved in every turn.
    @inline(never)
    private func deliverWhatCame() {
        deliverEnded()
        deliverSends()
        guard process.isCurrent else { return }
        var start = hasSharedOut ? system.now() : nil
        budget.beginTurn()
        // Owners cannot reap, so the list stands still until all of this is told.
        let count = reapedCount
        var index = 0
        while index < count, !budget.isSpent {
            if index + 2 < count { table.fetchOwner(OperationToken(rawValue: reaped[index + 2].user_data)) }
            if index + 1 < count { table.fetchWaiter(OperationToken(rawValue: reaped[index + 1].user_data)) }
            deliver(reaped[index])
            // The owner forked, and has returned in the child: the rest is for the parent.
            guard process.isCurrent else { return }
            index += 1
            if start == nil, budget.isWorthMeasuring {
                start = system.now()
                budget.beginMeasuring()
            }
        }
        if let start { budget.learn(start.duration(to: system.now())) }
        if !accepting.isEmpty { acceptMore() }
        guard process.isCurrent else { return }
        streamBuffers.publish()
        datagramBuffers?.publish()
        singleBuffers?.publish()
        // What is left holds buffers, and comes first in the next turn, which does not wait.
        if index == count { shareOut() }
        let left = reapedCount - index
        if index > 0, left > 0 { reaped.update(from: reaped + index, count: left) }
        reapedCount = left
    }

    /// How long a poll may wait.
    package func limit(_ timeoutNanoseconds: Int64) -> Int64 {
        if !ended.isEmpty || reapedCount > 0 || !sated.isEmpty || !starved.isEmpty || wasWokenBeforeStart {
            wasWokenBeforeStart = false
            return 0
        }
        var timeout = timeoutNanoseconds
        if !resting.isEmpty { timeout = resting.limit(timeout, now: system.now()) }
        guard !parked.isEmpty else { return timeout }
        let limit = Self.refusedSubmissionDelayNanoseconds
        return timeout < 0 ? limit : min(timeout, limit)
    }

    /// Sorts out why the kernel did not enter the ring, when it might have waited there for so long.
    private func wasRefused(_ errno: Errno, _ limit: Int64) {
        switch errno {
        case .interrupted:
            // A signal: the loop has work to do.
            return
        case .resourceBusy, .resourceTemporarilyUnavailable, .noMemory, Self.droppedCompletion:
            // The completion queue wants draining, or memory is short: both are a matter of this turn's delivery. Nothing is
            // lost: what was to be submitted stays in the queue.
            restAfterRefusal(limit)
        case .fileExists:
            preconditionFailure("a loop was run on another thread than the one that ran it first")
        default:
            preconditionFailure("the kernel refused to enter the ring: \(errno)")
        }
    }

    /// With nothing to deliver the loop would be back at once, and be refused again. So it waits outside of the kernel's ring,
    /// the longer the oftener it was refused, and no longer than it would have waited there. What other threads want waits as well.
    func restAfterRefusal(_ limit: Int64) {
        guard reapedCount == 0, limit != 0 else { return }
        let rest = Self.firstRefusalRestNanoseconds << Int64(min(refusals, Self.refusalRestDoublingsMax))
        refusals = min(refusals + 1, Self.refusalRestDoublingsMax)
        ring.rest(nanoseconds: limit < 0 ? rest : min(rest, limit))
    }

    /// EBADR: the kernel had no memory to keep a completion that found the queue full.
    private static let droppedCompletion = Errno(rawValue: EBADR)
}
