import Glibc
import Proactor

/// A network of hosts, simulated whole: their kernels, disks and clocks, and what lies between them.
///
/// Loops in it are the library's own, over a kernel in memory. Nothing waits: the clock jumps to the next event. Everything that a
/// real system leaves open is drawn from a seed, so that the same seed does the same, whenever and wherever it runs.
///
/// ```swift
/// let simulation = Simulation(seed: 42, faults: .all)
/// let server = try simulation.host("server")
/// server.start {
///     let server = try await getRunningLoop().createServer(host: "0.0.0.0", port: 80) { Echo() }
///     try await server.serveForever()
/// }
/// let client = try simulation.host("client")
/// var isDone = false
/// client.start {
///     try await talk(toHost: "server", port: 80)
///     isDone = true
/// }
/// try simulation.run(until: { isDone })
/// try simulation.finish()
/// ```
///
/// Thread rule: the thread that makes it uses it, and runs all of its loops.
public final class Simulation {
    let world: SimulatedWorld
    /// What the simulation's choices are drawn from.
    public let seed: UInt64
    private var hosts: [SimulatedHost] = []
    private var isFinished = false

    /// A simulation without hosts.
    ///
    /// - Parameters:
    ///   - seed: what choices are drawn from.
    ///   - faults: what may happen, and how often.
    ///   - face: which backend its loops look like.
    ///   - faultRange: which of the faults may happen, counted from zero: what was found by
    ///     ``explore(seeds:faults:faces:processors:scenario:)`` is shown with as few as show it.
    ///   - stepsMax: how many turns its loops may take in all.
    public init(
        seed: UInt64,
        faults: SimulationFaults = .none,
        face: SimulatedFace = .ring,
        faultRange: Range<Int> = 0..<Int.max,
        stepsMax: Int = 100_000_000
    ) {
        self.seed = seed
        world = SimulatedWorld(
            seed: seed,
            faults: faults,
            face: face,
            allowed: faultRange,
            stepsMax: stepsMax
        )
        world.isStrict = true
    }

    deinit {
        world.end()
    }

    // MARK: - Hosts

    /// Adds a host, which has a disk and addresses of its own, and is known to the others by its name.
    ///
    /// - Throws: ``SimulationError/hostExists(_:)``.
    @discardableResult
    public func host(_ name: String) throws(SimulationError) -> SimulatedHost {
        guard world.host(named: name) == nil else { throw .hostExists(name) }
        let kernel = HostKernel(world: world, name: name, index: world.hosts.count)
        world.add(kernel)
        let host = SimulatedHost(kernel: kernel, simulation: self)
        hosts.append(host)
        return host
    }

    /// The host of that name.
    ///
    /// - Throws: ``SimulationError/unknownHost(_:)``.
    public func host(named name: String) throws(SimulationError) -> SimulatedHost {
        guard let host = hosts.first(where: { $0.name == name }) else { throw .unknownHost(name) }
        return host
    }

    /// Makes a name stand for addresses, `[]` for none; the names of hosts stand for theirs without that.
    public func setName(_ name: String, to addresses: [SocketAddress]) {
        world.names[name] = addresses
    }

    /// Makes looking a name up fail, or not any more: no server knows of it for now.
    public func setName(_ name: String, fails: Bool) {
        world.names.failing.removeAll { $0 == name }
        if fails { world.names.failing.append(name) }
    }

    /// How long work on executors takes besides what is usual: the answers of name servers and disks among it.
    public var workLatency: Duration {
        get { .nanoseconds(world.workLatency) }
        set { world.workLatency = newValue.wholeNanoseconds }
    }

    /// Makes a program that hosts can start as a child process, by its path, or by its name if that is in `/bin`.
    ///
    /// - Parameters:
    ///   - path: where it stands.
    ///   - program: what it does, on a loop of its own; what it returns is its exit code.
    public func install(
        _ path: String,
        _ program: @escaping @isolated(any) (SimulatedChild) async throws -> Int32
    ) {
        world.programs[path] = SimulatedProgram(program)
    }

    // MARK: - Links

    /// Makes both directions between two hosts such a link.
    ///
    /// - Throws: ``SimulationError/unknownHost(_:)``.
    public func setLink(
        _ link: SimulatedLink,
        between left: String,
        and right: String
    ) throws(SimulationError) {
        try setLink(link, from: left, to: right)
        try setLink(link, from: right, to: left)
    }

    /// Makes one direction between two hosts such a link.
    ///
    /// - Throws: ``SimulationError/unknownHost(_:)``.
    public func setLink(_ link: SimulatedLink, from source: String, to target: String) throws(SimulationError)
    {
        let (from, to) = (try kernel(source), try kernel(target))
        world.note(.linkChanged, from.index, link.isUp ? 1 : 0)
        world.path(from: from, to: to).use(link)
    }

    /// Cuts one part of the hosts off from all others, until ``heal()``.
    ///
    /// - Throws: ``SimulationError/unknownHost(_:)``.
    public func partition(_ names: [String]) throws(SimulationError) {
        var inside: [HostKernel] = []
        for name in names { inside.append(try kernel(name)) }
        for host in world.hosts where !inside.contains(where: { $0 === host }) {
            for other in inside {
                world.path(from: host, to: other).isLinkUp = false
                world.path(from: other, to: host).isLinkUp = false
            }
        }
        world.note(.linkChanged, -1, 0)
    }

    /// Has all links come through again.
    public func heal() {
        for source in world.hosts {
            for target in world.hosts where target !== source {
                world.path(from: source, to: target).isLinkUp = true
            }
        }
        world.note(.linkChanged, -1, 1)
    }

    private func kernel(_ name: String) throws(SimulationError) -> HostKernel {
        guard let host = world.host(named: name) else { throw .unknownHost(name) }
        return host
    }

    // MARK: - Running

    /// The time on all hosts' clocks.
    public var now: LoopInstant { world.instant }

    /// What has happened.
    public var trace: SimulationTrace { SimulationTrace(world.recorder, hosts: world.hosts.map(\.name)) }

    /// How many faults have happened.
    public var faultCount: Int { world.choices.faultCount }

    /// A number from zero up to `bound`, which it does not reach, of the simulation's own choosing: for a scenario that differs
    /// from seed to seed.
    public func choice(below bound: Int) -> Int { world.choices.below(bound) }

    /// Runs everything for so long.
    ///
    /// - Throws: what keeps the simulation from going on.
    public func run(for duration: Duration) throws(SimulationError) {
        let deadline = world.now + duration.wholeNanoseconds
        while world.advance(until: deadline) {}
        if let failure = world.failure { throw failure }
        world.passTime(until: deadline)
    }

    /// Runs everything until a condition holds, which is looked at after each step.
    ///
    /// - Parameters:
    ///   - condition: what to wait for.
    ///   - limit: how long to wait, in simulated time.
    /// - Throws: ``SimulationError/timeLimit(_:)``, ``SimulationError/stalled``, or what keeps the simulation from going on.
    public func run(
        until condition: () -> Bool,
        within limit: Duration = .seconds(3600)
    ) throws(SimulationError) {
        let deadline = world.now + limit.wholeNanoseconds
        while !condition() {
            if world.advance(until: deadline) { continue }
            if let failure = world.failure { throw failure }
            throw world.hasFuture ? .timeLimit(limit) : .stalled
        }
        if let failure = world.failure { throw failure }
    }

    /// Ends all programs as they would end by themselves: tasks are cancelled, servers and connections closed. Looks at what is
    /// left then, which is to be nothing.
    ///
    /// - Throws: ``SimulationError/leftovers(host:_:)``, or what keeps the simulation from going on.
    public func finish() throws(SimulationError) {
        for host in hosts { try host.stop() }
        if let failure = world.failure { throw failure }
    }
}

extension Duration {
    /// In nanoseconds, rounded up, and no more than an `Int64` holds.
    var wholeNanoseconds: Int64 {
        let (quotient, remainder) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        // Half of the range, so that a time can be added.
        return Int64(min(quotient + (remainder > 0 ? 1 : 0), Int128(Int64.max / 2)))
    }
}
