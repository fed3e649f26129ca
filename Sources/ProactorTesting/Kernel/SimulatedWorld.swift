import Glibc
import Proactor
import Synchronization

/// All of a simulation but its face: the clock, what is to happen, the hosts and what lies between them.
///
/// Thread rule: one thread, the one that has made the simulation.
final class SimulatedWorld {
    /// Nanoseconds since nothing in particular.
    @exclusivity(unchecked) private(set) var now: Int64 = 1_000_000_000
    let choices: Choices
    @exclusivity(unchecked) var events = EventQueue()
    @exclusivity(unchecked) private(set) var recorder = TraceRecorder()
    @exclusivity(unchecked) private(set) var hosts: [HostKernel] = []
    @exclusivity(unchecked) private var paths: [[NetworkPath?]] = []
    @exclusivity(unchecked) private var defaultLink = SimulatedLink()
    @exclusivity(unchecked) private(set) var loops: [SteppedLoop] = []
    @exclusivity(unchecked) var names = NameTable()
    @exclusivity(unchecked) var programs: [String: SimulatedProgram] = [:]
    /// What an executor's work takes more than usual, in nanoseconds.
    @exclusivity(unchecked) var workLatency: Int64 = 0
    /// What went wrong, so that the simulation cannot go on.
    @exclusivity(unchecked) private(set) var failure: SimulationError?
    private let stepsMax: Int
    @exclusivity(unchecked) private(set) var steps = 0
    /// Nothing happens any more.
    @exclusivity(unchecked) private(set) var isOver = false
    /// Whether it ends when a descriptor is closed that is not open, or a loop spins that its program runs by itself. A loop that
    /// is alone, for tests of the library's, may do that.
    @exclusivity(unchecked) var isStrict = false
    /// Turns in a row in which nothing has happened.
    @exclusivity(unchecked) private var idleTurns = 0
    @exclusivity(unchecked) private var nextLoop = 0
    private let thread = pthread_self()
    /// Another thread has called into the simulation. The only thing here that other threads touch.
    private let hasForeignCall = Atomic<Bool>(false)
    let face: SimulatedFace

    /// What a turn of a loop takes, in nanoseconds.
    private static let turnTime: Int64 = 1_000
    /// So many turns in a row of which none waits for anything are a loop that spins.
    private static let idleTurnsMax = 100_000

    init(seed: UInt64, faults: SimulationFaults, face: SimulatedFace, allowed: Range<Int>, stepsMax: Int) {
        choices = Choices(seed: seed, faults: faults, allowed: allowed)
        self.stepsMax = stepsMax
        self.face = face
    }

    var instant: LoopInstant { LoopInstant(nanoseconds: now) }

    /// The first failure counts.
    func fail(_ failure: SimulationError) {
        if self.failure == nil { self.failure = failure }
    }

    /// Takes note of something, with the time.
    func note(_ kind: SimulationTrace.Kind, _ host: Int, _ value: Int64) {
        recorder.note(.init(time: now, value: value, host: Int32(host), kind: kind))
    }

    /// Called from wherever a loop is woken. Returns whether that is the simulation's own thread.
    func checkThread() -> Bool {
        if pthread_equal(pthread_self(), thread) != 0 { return true }
        hasForeignCall.store(true, ordering: .relaxed)
        return false
    }

    /// Whether what is sent now finds no buffer.
    func lacksBuffer(_ host: HostKernel) -> Bool {
        guard choices.happens(.memoryShortage) else { return false }
        note(.shortage, host.index, Int64(ENOBUFS))
        return true
    }

    // MARK: - Hosts and what lies between them

    func add(_ host: HostKernel) {
        hosts.append(host)
        for index in paths.indices { paths[index].append(nil) }
        paths.append(Array(repeating: nil, count: hosts.count))
    }

    func path(from source: HostKernel, to target: HostKernel) -> NetworkPath {
        if let path = paths[source.index][target.index] { return path }
        let link = source === target ? SimulatedLink(latency: .microseconds(10)) : defaultLink
        let path = NetworkPath(self, from: source, to: target, link)
        paths[source.index][target.index] = path
        return path
    }

    func host(named name: String) -> HostKernel? { hosts.first { $0.name == name } }

    /// The host that an address belongs to, seen from `host`.
    func host(at address: SocketAddress, seenFrom host: HostKernel) -> HostKernel? {
        switch address {
        case .ipv4(let address, _):
            if address.rawValue >> 24 == 127 || address == .any { return host }
            return hosts.first { $0.ipv4 == address }
        case .ipv6(let address, _, _, _):
            if address == .loopback || address == .any { return host }
            return hosts.first { $0.ipv6 == address }
        default:
            return nil
        }
    }

    /// The program at a path, or by a name without a slash.
    func program(named name: String) -> SimulatedProgram? {
        if let program = programs[name] { return program }
        guard !name.contains("/") else { return nil }
        return ["/bin/", "/usr/bin/", "/usr/local/bin/"].lazy.compactMap { self.programs[$0 + name] }.first
    }

    // MARK: - Loops

    func add(_ loop: SteppedLoop) { loops.append(loop) }

    func remove(_ loop: SteppedLoop) {
        loops.removeAll { $0 === loop }
    }

    // MARK: - Time

    /// Does the next thing, unless that is after `deadline`. False when there is nothing to do until then.
    func advance(until deadline: Int64) -> Bool {
        if hasForeignCall.load(ordering: .relaxed) { fail(.realThread) }
        guard failure == nil else { return false }
        if let time = events.nextTime, time <= now {
            perform(events.takeFirst())
            return true
        }
        if let loop = nextRunnable() {
            runTurn(of: loop)
            return true
        }
        guard let next = nextTime, next <= deadline else { return false }
        now = max(now, next)
        idleTurns = 0
        return true
    }

    /// Lets the world go on until a loop that nobody steps has something to do, or its time is over.
    func wait(for loop: SteppedLoop, timeoutNanoseconds: Int64) {
        now += Self.turnTime
        while let time = events.nextTime, time <= now, advance(until: now) {}
        let deadline = timeoutNanoseconds < 0 ? .max : now + timeoutNanoseconds
        while !loop.isWoken, !loop.backend.hasWork, now < deadline {
            if advance(until: deadline) { continue }
            guard failure == nil, deadline < .max else {
                fail(.stalled)
                return giveUp(loop)
            }
            passTime(until: deadline)
        }
        loop.isWoken = false
        if isStrict, !mayTakeTurn(loop) { giveUp(loop) }
    }

    /// Nobody waits in a loop any more for what cannot come.
    private func giveUp(_ loop: SteppedLoop) {
        // Other threads than the simulation's may still do something for a loop that is alone.
        if isStrict { loop.loop.cannotGoOn = true }
        loop.loop.stop()
    }

    /// Counts a turn. False when there were too many.
    private func mayTakeTurn(_ loop: SteppedLoop) -> Bool {
        steps += 1
        idleTurns += 1
        if steps > stepsMax { fail(.stepLimit(stepsMax)) }
        if idleTurns > Self.idleTurnsMax { fail(.spinning(host: loop.process.host.name)) }
        return failure == nil
    }

    /// Lets the time pass that is left until then.
    func passTime(until deadline: Int64) {
        now = max(now, deadline)
    }

    /// Whether anything is to come.
    var hasFuture: Bool { nextTime != nil }

    /// When something happens again; `nil` when nothing is to come.
    private var nextTime: Int64? {
        var next = events.nextTime ?? .max
        for loop in loops where loop.wakeTime < next { next = loop.wakeTime }
        return next == .max ? nil : next
    }

    private func nextRunnable() -> SteppedLoop? {
        var found: SteppedLoop?
        var count = 0
        let start = nextLoop
        for offset in loops.indices {
            let index = (start + offset) % loops.count
            guard loops[index].isRunnable(at: now) else { continue }
            count += 1
            // One by one in turn, or any of them.
            if found == nil {
                found = loops[index]
                nextLoop = index + 1
            } else if choices.happens(.completionOrder) {
                found = loops[index]
                nextLoop = index + 1
                break
            }
        }
        return found
    }

    private func runTurn(of loop: SteppedLoop) {
        guard mayTakeTurn(loop) else { return }
        now += Self.turnTime
        loop.turn()
    }

    private func perform(_ event: EventQueue.Event) {
        idleTurns = 0
        switch event {
        case .arrival(let channel): channel.parcelArrived()
        case .room(let channel): channel.learnedOfRoom()
        case .reset(let channel): channel.writer?.receivedReset()
        case .retry(let ring, let slot, let generation): ring.retry(slot, generation)
        case .call(let body): body()
        }
    }

    /// Plans something, `delay` nanoseconds from now.
    func after(_ delay: Int64, _ body: @escaping () -> Void) {
        events.insert(.call(body), at: now + delay)
    }

    /// Does something once no callback runs: at once when none will any more.
    func whenIdle(_ body: @escaping () -> Void) {
        if isOver { body() } else { after(0, body) }
    }

    /// Lets go of everything: what refers to each other does no longer.
    func end() {
        isOver = true
        events.removeAll()
        loops = []
        programs = [:]
        for host in hosts { host.end() }
        hosts = []
        paths = []
    }
}
