/// What hears of each turn of a loop.
protocol TurnObserver {
    func turnBegins()
    /// - Parameter waits: whether the poll may wait.
    func pollBegins(waits: Bool)
    func pollEnded()
}

/// Nobody: what a loop is usually observed by, for nothing.
struct NoObserver: TurnObserver {
    @inline(__always) func turnBegins() {}
    @inline(__always) func pollBegins(waits: Bool) {}
    @inline(__always) func pollEnded() {}
}

/// Those who want to know of a loop's turns, and read the clock once for all of them. A loop has one while there is anybody.
final class LoopObserver: TurnObserver {
    private let system: any SystemCalls
    // Exclusivity: they belong to the loop's thread, and nobody is replaced while he is told.
    @exclusivity(unchecked) var meter: TurnMeter?
    /// For other threads, and how many of them look at it.
    @exclusivity(unchecked) private(set) var load: LoopLoad?
    private var loadUsers = 0

    init(system: any SystemCalls) {
        self.system = system
    }

    var isIdle: Bool { meter == nil && load == nil }

    func watchLoad() -> LoopLoad {
        loadUsers += 1
        let load = load ?? LoopLoad(at: system.now().nanoseconds)
        self.load = load
        return load
    }

    func unwatchLoad() {
        precondition(loadUsers > 0, "a loop's load was given up by somebody who does not look at it")
        loadUsers -= 1
        if loadUsers == 0 { load = nil }
    }

    func turnBegins() {
        meter?.turnBegins()
    }

    func pollBegins(waits: Bool) {
        let now = system.now().nanoseconds
        meter?.pollBegins(at: now)
        if waits { load?.fallAsleep(at: now) }
    }

    func pollEnded() {
        let now = system.now().nanoseconds
        meter?.pollEnded(at: now)
        load?.wakeUp(at: now)
    }

    func runBegins() {
        meter?.runBegins()
    }

    func runEnds() {
        meter?.runEnds()
    }
}
