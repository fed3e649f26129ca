import ArgumentParser

/// How much of everything the micro-benchmarks do, and on which loops.
struct MicroSizes: Sendable, Equatable {
    var loops: [LoopKind] = [.proactor, .epoll]
    /// Callbacks of a chain; of a batched one five times as many.
    var callbacks = 1_000_000
    /// Callbacks that are scheduled at a time, of a batched chain.
    var burst = 100
    /// Timers that are scheduled and cancelled.
    var cancelledTimers = 2_000_000
    /// Timers that stand while others come and go.
    var standingTimers = 10_000
    /// Timers that fire.
    var timers = 100_000
    /// Callbacks that another thread posts.
    var posts = 1_000_000
    /// Round trips between two threads.
    var trips = 20_000
    /// Operations of tasks that await; of the quickest five times as many.
    var steps = 100_000
    /// Connections of each loop of a group.
    var connections = 50
    /// Child processes.
    var children = 200
    /// Bytes that a child process is given, or writes.
    var pipedBytes = 64 << 20
    /// Operations whose allocations are counted, a multiple of 100.
    var operations = 20_000

    /// Bars are for the sizes that they were set with.
    func bar(_ bar: MicroBenchmark.Bar) -> MicroBenchmark.Bar {
        var usual = MicroSizes()
        usual.loops = loops
        return self == usual ? bar : .none
    }
}

/// ``MicroSizes`` on the command line.
struct MicroOptions: ParsableArguments {
    @Option(
        help:
            "The library's loops, separated by commas: proactor, epoll, poll, select. (default: proactor,epoll)"
    )
    var loops: String?

    @Option(help: "Callbacks of a chain; batched, five times as many. (default: 1,000,000)")
    var callbacks: Int?

    @Option(help: "Callbacks that are scheduled at a time where they are batched. (default: 100)")
    var burst: Int?

    @Option(help: "Timers that are scheduled and cancelled. (default: 2,000,000)")
    var cancelledTimers: Int?

    @Option(help: "Timers that stand while others are scheduled and cancelled. (default: 10,000)")
    var standingTimers: Int?

    @Option(help: "Timers that are scheduled and fire. (default: 100,000)")
    var timers: Int?

    @Option(help: "Callbacks that another thread posts. (default: 1,000,000)")
    var posts: Int?

    @Option(help: "Round trips between two threads. (default: 20,000)")
    var trips: Int?

    @Option(help: "Operations of tasks that await; of the quickest, five times as many. (default: 100,000)")
    var steps: Int?

    @Option(help: "Connections of each loop that echoes to itself. (default: 50)")
    var connections: Int?

    @Option(help: "Child processes that are started. (default: 200)")
    var children: Int?

    @Option(help: "Bytes that a child process is given, or writes. (default: 64 MiB)")
    var pipedBytes: Int?

    @Option(help: "Operations whose allocations are counted; a multiple of 100. (default: 20,000)")
    var operations: Int?

    private static let countMax = 100_000_000

    func validate() throws {
        let counts: [(String, Int?)] = [
            ("callbacks", callbacks), ("burst", burst), ("cancelled-timers", cancelledTimers),
            ("standing-timers", standingTimers), ("timers", timers), ("posts", posts), ("trips", trips),
            ("steps", steps), ("connections", connections), ("children", children),
            ("piped-bytes", pipedBytes),
            ("operations", operations),
        ]
        for (name, count) in counts {
            guard (1...Self.countMax).contains(count ?? 1) else {
                throw ValidationError("--\(name) must lie between 1 and 100,000,000.")
            }
        }
        guard (operations ?? 0) % 100 == 0 else {
            throw ValidationError("--operations must be a multiple of 100.")
        }
        _ = try chosenLoops()
    }

    /// What was asked for, and the usual of the rest.
    func sizes() throws -> MicroSizes {
        var sizes = MicroSizes()
        sizes.loops = try chosenLoops()
        sizes.callbacks = callbacks ?? sizes.callbacks
        sizes.burst = burst ?? sizes.burst
        sizes.cancelledTimers = cancelledTimers ?? sizes.cancelledTimers
        sizes.standingTimers = standingTimers ?? sizes.standingTimers
        sizes.timers = timers ?? sizes.timers
        sizes.posts = posts ?? sizes.posts
        sizes.trips = trips ?? sizes.trips
        sizes.connections = connections ?? sizes.connections
        sizes.steps = steps ?? sizes.steps
        sizes.pipedBytes = pipedBytes ?? sizes.pipedBytes
        sizes.children = children ?? sizes.children
        sizes.operations = operations ?? sizes.operations
        return sizes
    }

    private func chosenLoops() throws -> [LoopKind] {
        guard let loops else { return MicroSizes().loops }
        let chosen = try loops.split(separator: ",").map { name in
            guard let kind = LoopKind(rawValue: String(name)) else {
                let known = LoopKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("There is no loop '\(name)'; known: \(known).")
            }
            return kind
        }
        guard !chosen.isEmpty else { throw ValidationError("--loops names no loop.") }
        return chosen.withoutRepeats
    }
}
