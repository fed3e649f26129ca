import DequeModule
import Glibc
import Proactor
import SystemPackage

/// The ring face of the simulated kernel: submissions go in, completions come out, and the library's own backend for rings is
/// between them and the loop.
///
/// A request is tried when it is handed over, and again in the wait that follows a change of its descriptor. Bytes go into the
/// loop's buffers when a request completes, and not when the loop takes up the completion.
final class SimulatedRingKernel: RingCalls, ReadinessListener {
    private struct Submission {
        let work: RingWork
        let name: UInt64
    }

    let process: SimulatedProcess
    let world: SimulatedWorld
    let nature: SimulatedRingNature
    let waker: any LoopWaker
    /// Taken back before the loop goes.
    @exclusivity(unchecked) unowned(unsafe) var loop: SteppedLoop?
    @exclusivity(unchecked) var requests = RingRequests()
    @exclusivity(unchecked) private var queue: [Submission] = []
    @exclusivity(unchecked) private var spareQueue = SpareArray<Submission>()
    /// Requests that may go on.
    @exclusivity(unchecked) private var candidates: [Int] = []
    @exclusivity(unchecked) private var spareCandidates = SpareArray<Int>()
    @exclusivity(unchecked) private var completions: Deque<RingCompletion> = []
    /// Those that found the queue full.
    @exclusivity(unchecked) private var overflown: Deque<RingCompletion> = []
    @exclusivity(unchecked) private let streams: SimulatedBuffers
    @exclusivity(unchecked) private var datagrams: SimulatedBuffers?
    @exclusivity(unchecked) private var singles: SimulatedBuffers?
    /// Threads that each hold a buffer for a receive.
    @exclusivity(unchecked) var workerCount = 0
    /// What an eventfd counts.
    @exclusivity(unchecked) private var wakeUps = 0
    @exclusivity(unchecked) private(set) var isCrashed = false
    /// What was to cancel everything, as a close does.
    @exclusivity(unchecked) var nameOfCancelAll: UInt64?
    /// Set while the loop polls, and not while it hands something over amid its turn, or closes.
    @exclusivity(unchecked) var isPolled = false

    static let datagramSizeMax = 65_536
    private static let datagramBufferCount = 8

    init(process: SimulatedProcess, waker: SimulatedWaker, _ nature: SimulatedRingNature) {
        self.process = process
        world = process.world
        self.waker = waker
        self.nature = nature
        streams = SimulatedBuffers(
            .streams,
            count: nature.features.bufferCount,
            size: nature.features.bufferSize,
            isIncremental: nature.features.incrementalBuffers
        )
        waker.ring = self
    }

    var features: RingFeatures { nature.features }
    var streamBuffers: BufferArea { streams.area }

    func start() throws(RingUnavailable) -> Bool { false }

    // MARK: - Submission

    /// Puts something into the submission queue. False when that is full.
    func enqueue(_ work: RingWork, _ name: UInt64) -> Bool {
        guard queue.count < features.submissionQueueSize else { return false }
        queue.append(Submission(work: work, name: name))
        return true
    }

    /// Puts several in, or none.
    func enqueue(_ works: [(work: RingWork, name: UInt64)]) -> Bool {
        guard queue.count + works.count <= features.submissionQueueSize else { return false }
        for (work, name) in works { queue.append(Submission(work: work, name: name)) }
        return true
    }

    func submit() -> Int32 {
        if let refusal { return -refusal }
        handOver()
        return 0
    }

    /// Why the kernel takes nothing now, as errno.
    private var refusal: Int32? {
        guard !queue.isEmpty, !isCrashed, world.choices.happens(.ringMoods) else { return nil }
        return world.choices.errno(of: .ringMoods, among: [EAGAIN, EBUSY, ENOMEM])
    }

    /// Takes what was submitted.
    func handOver() {
        guard !queue.isEmpty else { return }
        let batch = spareQueue.exchange(&queue)
        var former = -1
        for submission in batch { former = begin(submission.work, submission.name, after: former) }
        spareQueue.keep(batch)
    }

    func takeUnsubmitted() -> OperationToken? {
        queue.isEmpty ? nil : OperationToken(rawValue: queue.removeFirst().name)
    }

    // MARK: - Waiting

    var hasWork: Bool {
        !candidates.isEmpty || !completions.isEmpty || !queue.isEmpty || !overflown.isEmpty
    }
    /// A loop that nobody steps lets the world go on by its polls, also by those that do not wait.
    var isQuiet: Bool { !hasWork && waiter == nil }

    /// The loop that is to wait, unless it is stepped.
    private var waiter: SteppedLoop? {
        guard isPolled, let loop, !loop.isRunning else { return nil }
        return loop
    }

    func submitAndWait(timeoutNanoseconds: Int64) -> Int32 {
        if let refusal {
            moveOverflown()
            return -refusal
        }
        let isIdle = queue.isEmpty
        handOver()
        if let waiter {
            if isIdle, timeoutNanoseconds != 0, world.choices.happens(.interrupts) { return -EINTR }
            world.wait(for: waiter, timeoutNanoseconds: timeoutNanoseconds)
        }
        collect()
        moveOverflown()
        passInClose(timeoutNanoseconds)
        return 0
    }

    func rest(nanoseconds: Int64) {
        if let waiter {
            world.wait(for: waiter, timeoutNanoseconds: nanoseconds)
        } else {
            passInClose(nanoseconds)
        }
    }

    /// A close waits for what the kernel still has, and for no more than its time. Nothing else goes on meanwhile.
    private func passInClose(_ nanoseconds: Int64) {
        guard !isPolled, completions.allSatisfy({ $0.user_data == nameOfCancelAll }) else { return }
        world.passTime(until: world.now + max(nanoseconds, 0))
    }

    /// Tries what may go on, in an order of the simulation's choosing.
    private func collect() {
        guard !candidates.isEmpty else { return }
        var batch = spareCandidates.exchange(&candidates)
        world.choices.shuffle(&batch)
        for slot in batch where requests[slot].isUnderWay && requests[slot].isQueued {
            requests[slot].isQueued = false
            guard !requests[slot].isEnding else { continue }
            if !requests[slot].hasBegun, world.choices.happens(.lateCompletions) {
                delay(slot, world.choices.amount(of: .lateCompletions, within: 1_000...200_000))
            } else {
                attempt(slot)
            }
        }
        spareCandidates.keep(batch)
    }

    func queue(_ slot: Int) {
        guard requests[slot].isUnderWay, !requests[slot].isQueued else { return }
        requests[slot].isQueued = true
        candidates.append(slot)
    }

    /// Has it tried again after a while.
    func delay(_ slot: Int, _ nanoseconds: Int64) {
        requests[slot].isQueued = true
        let generation = requests[slot].generation
        world.events.insert(.retry(self, slot: slot, generation: generation), at: world.now + nanoseconds)
    }

    func retry(_ slot: Int, _ generation: UInt32) {
        guard !isCrashed, requests.isCurrent(slot, generation) else { return }
        requests[slot].isQueued = false
        queue(slot)
    }

    /// Requests hear of their files by numbers that are no descriptors': minus one for the first place, and so on.
    func readinessChanged(_ number: Int32) {
        let slot = -1 - Int(number)
        if let wanted = requests[slot].work.wanted, let file = requests[slot].file,
            !file.readiness.meets(wanted)
        {
            return
        }
        queue(slot)
    }

    /// Has a request tried again when its file changes.
    func watch(_ slot: Int) {
        guard !requests[slot].isWatching, let file = requests[slot].file else { return }
        requests[slot].isWatching = true
        file.addWatcher(self, Int32(-1 - slot))
    }

    // MARK: - Completions

    /// Puts a completion of something that goes on into the queue. False when that is full: then it cannot go on.
    func post(_ slot: Int, _ result: Int32, _ flags: UInt32) -> Bool {
        guard completions.count < features.completionQueueSize, overflown.isEmpty else { return false }
        world.note(.completion, process.host.index, Int64(result))
        completions.append(
            RingCompletion(user_data: requests[slot].name, result: result, flags: flags | RingFlags.more)
        )
        return true
    }

    /// Puts a last completion into the queue, or behind it.
    func postLast(_ name: UInt64, _ result: Int32, _ flags: UInt32 = 0) {
        world.note(.completion, process.host.index, Int64(result))
        let completion = RingCompletion(user_data: name, result: result, flags: flags)
        if completions.count < features.completionQueueSize, overflown.isEmpty {
            completions.append(completion)
        } else {
            overflown.append(completion)
        }
    }

    private func moveOverflown() {
        while completions.count < features.completionQueueSize, let first = overflown.popFirst() {
            completions.append(first)
        }
    }

    func reap(into target: UnsafeMutablePointer<RingCompletion>, capacity: Int) -> Int {
        let count = min(completions.count, capacity)
        // The caller's memory has room for so many.
        for index in 0..<count { target[index] = completions[index] }
        completions.removeFirst(count)
        return count
    }

    func growIfStrained() {}

    // MARK: - Buffers

    func buffers(_ group: BufferGroup) -> SimulatedBuffers {
        switch group {
        case .streams: return streams
        case .datagrams:
            guard let datagrams else { preconditionFailure("a datagram before there were buffers") }
            return datagrams
        case .singles:
            guard let singles else { preconditionFailure("a single receive before there were buffers") }
            return singles
        }
    }

    func makeDatagramBuffers() throws(Errno) -> BufferArea {
        let made = SimulatedBuffers(
            .datagrams,
            count: min(Self.datagramBufferCount, features.bufferCount),
            size: Self.datagramSizeMax + DatagramReception.prefixMax,
            isIncremental: false
        )
        datagrams = made
        return made.area
    }

    func makeSingleBuffers() throws(Errno) -> BufferArea {
        guard nature.hasSingleBuffers else { throw .noMemory }
        let made = SimulatedBuffers(
            .singles,
            count: 2 * features.bufferCount,
            size: features.bufferSize,
            isIncremental: false
        )
        singles = made
        return made.area
    }

    func recycleBuffer(_ number: UInt16, of group: BufferGroup) { buffers(group).recycle(number) }
    func publishBuffers(of group: BufferGroup) { buffers(group).publish() }

    // MARK: - Wake-ups

    /// A message to the ring, or an eventfd's.
    func wake() {
        guard !isCrashed else { return }
        if features.messageWakeUp { return postLast(UringBackend.messageToken.rawValue, 0) }
        wakeUps += 1
        let armed = requests.indices.first {
            if requests[$0].isUnderWay, case .readWakeUps = requests[$0].work { true } else { false }
        }
        if let armed { readWakeUps(armed) }
    }

    func readWakeUps(_ slot: Int) {
        guard wakeUps > 0 else { return }
        wakeUps = 0
        complete(slot, 8)
    }

    // MARK: - The end

    /// The process is gone, or its whole machine: nothing comes of what is under way.
    func crash(ofMachine isMachine: Bool) {
        isCrashed = true
        candidates = []
        for slot in requests.indices where requests[slot].isUnderWay { letGo(slot, ofMachine: isMachine) }
        // Tasks that will never go on keep the loop, and it this, but not so much memory. Not now: a callback may look at it.
        world.whenIdle { self.freeBuffers() }
    }

    private func freeBuffers() {
        streams.free()
        datagrams?.free()
        singles?.free()
    }

    /// Gives back what a request holds.
    func letGo(_ slot: Int, ofMachine isMachine: Bool = false) {
        guard let file = requests[slot].file.take() else { return }
        if requests[slot].isWatching {
            requests[slot].isWatching = false
            file.removeWatcher(self, Int32(-1 - slot))
        }
        file.release(isCrash: isMachine)
    }

    func destroy(onOwnerThread: Bool, keepingBuffers: Bool) {
        // What the end of a ring cancels.
        for slot in requests.indices where requests[slot].isUnderWay { letGo(slot) }
        if !isCrashed { freeBuffers() }
        isCrashed = true
        (waker as? SimulatedWaker)?.ring = nil
    }

    func abandon() { preconditionFailure("no simulated process forks") }

    /// The loop is closed.
    func leaveLoop() {
        if let loop { process.forget(loop) }
        loop = nil
    }
}
