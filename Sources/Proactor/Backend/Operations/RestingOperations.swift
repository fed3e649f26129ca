/// Operations that are left alone for a while: their descriptor is ready, for as long as one looks, and their call says "not
/// now". To try them again at once would take all of the processor and bring nothing.
///
/// The usual reason is an error queue that nobody has read, on a socket whose queue is not the loop's to read. Another is a
/// side that the program has shut down.
struct RestingOperations {
    /// So many tries in a row may bring nothing: what made the descriptor ready can be gone when one comes to it.
    static let vainTriesMax: UInt8 = 4
    private static let firstRestNanoseconds: Int64 = 1_000_000
    /// The longest rest is the first one times two to the power of this.
    private static let doublingsMax: UInt8 = 6

    private struct Entry {
        let token: OperationToken
        let end: LoopInstant
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }
    /// The operations, in no order.
    var tokens: [OperationToken] { entries.map(\.token) }

    /// Leaves an operation alone, the longer the oftener it has tried in vain.
    mutating func add(_ token: OperationToken, vainTries: UInt8, now: LoopInstant) {
        let excess = vainTries > Self.vainTriesMax ? vainTries - Self.vainTriesMax : 0
        let rest = Self.firstRestNanoseconds << Int64(min(excess, Self.doublingsMax))
        entries.append(Entry(token: token, end: now.advanced(by: .nanoseconds(rest))))
    }

    /// Returns whether it was there.
    mutating func remove(_ token: OperationToken) -> Bool {
        guard let index = entries.firstIndex(where: { $0.token == token }) else { return false }
        entries.remove(at: index)
        return true
    }

    mutating func removeAll() { entries = [] }

    /// Takes out those whose rest is over.
    mutating func takeRested(now: LoopInstant) -> [OperationToken] {
        let rested = entries.filter { $0.end <= now }
        entries.removeAll { $0.end <= now }
        return rested.map(\.token)
    }

    /// How long a wait may last that would last so long without them; below zero is without limit.
    func limit(_ timeoutNanoseconds: Int64, now: LoopInstant) -> Int64 {
        guard let first = entries.map(\.end).min() else { return timeoutNanoseconds }
        let left = max(now.duration(to: first).nanosecondsRoundedUp, 0)
        return timeoutNanoseconds < 0 ? left : min(timeoutNanoseconds, left)
    }
}
