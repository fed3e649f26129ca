/// Which loop a connection goes to: the one with the least to do, by how busy each was of late and what it has been given since.
struct LoadBalance {
    /// Over what time a loop's share is looked at, in nanoseconds, at least.
    private static let window: Int64 = 100_000_000
    /// Loops whose shares differ by no more are equally busy: then the connections count.
    private static let tolerance = 0.1
    /// What one more connection is thought to cost at most, as a share of a loop, until the next look shows it: else a loop that is
    /// busy with something else would make each connection look dear.
    private static let costMax = 0.02

    private struct Part {
        /// The part of the last window in which it was busy: 0 to 1.
        var share = 0.0
        /// How long it had been busy when that was looked at, in nanoseconds.
        var busy: Int64 = 0
        /// How many connections it had then.
        var connections = 0
    }

    private var parts: [Part]
    private var lastLook: Int64?
    private var cost = 0.0

    init(count: Int) {
        parts = Array(repeating: Part(), count: count)
    }

    /// Whether it is time to ``look(at:busy:connections:)``.
    func isDue(at now: Int64) -> Bool {
        guard let lastLook else { return true }
        return now - lastLook >= Self.window
    }

    /// Takes up how busy the loops are.
    ///
    /// - Parameters:
    ///   - now: in nanoseconds.
    ///   - busy: how long each has been busy by now, in nanoseconds.
    ///   - connections: how many each has.
    mutating func look(at now: Int64, busy: [Int64], connections: [Int]) {
        let time = lastLook.map { now - $0 } ?? 0
        for index in parts.indices {
            let grown = max(busy[index] - parts[index].busy, 0)
            let share = time > 0 ? min(Double(grown) / Double(time), 1) : 0
            parts[index] = Part(share: share, busy: busy[index], connections: connections[index])
        }
        lastLook = now
        let used = parts.filter { $0.connections > 0 }
        let count = used.reduce(0) { $0 + $1.connections }
        cost = count == 0 ? 0 : min(used.reduce(0) { $0 + $1.share } / Double(count), Self.costMax)
    }

    /// The loop for one more, among `candidates`, of which there is one at least.
    ///
    /// - Parameter connections: how many each has now.
    func choose(among candidates: [Int], connections: [Int]) -> Int {
        let loads = candidates.map { index in
            parts[index].share + Double(connections[index] - parts[index].connections) * cost
        }
        let limit = (loads.min() ?? 0) + Self.tolerance
        let equals = zip(candidates, loads).filter { $0.1 <= limit }.map(\.0)
        guard let best = equals.min(by: { connections[$0] < connections[$1] }) else {
            preconditionFailure("a connection is given to nobody")
        }
        return best
    }
}
