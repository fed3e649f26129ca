/// How many bytes a turn of the loop brings to protocols, in all and for each connection, so that those who flood the loop hold up
/// neither the others nor timers, signals and what other threads post.
///
/// A connection that has had its share waits behind the others, and gets a new one in its turn: its bytes stay
/// in the kernel meanwhile, and hold no buffer. What a turn may bring in all is not fixed. Bytes that are copied on take
/// a fiftieth of the time of those that are parsed line by line, so it is what protocols, at their pace of late, deal
/// with in a millisecond.
struct TurnBudget {
    /// The least of a turn, in bytes: small enough for lines to be looked at one by one within a millisecond, large enough for
    /// the calls to receive them not to count.
    private static let least = 16 * 1024
    /// The most of a turn, in bytes: all receive buffers of a ring.
    private static let most = 2 * 1024 * 1024
    /// The smallest share of a turn that can bring as much, and the largest, in bytes. Less would make the pieces small in which
    /// long streams are sent on; more does not make a receive cheaper.
    private static let shares = 64 * 1024...256 * 1024
    /// How long protocols may deal with a turn's bytes.
    private static let time = Duration.milliseconds(1)
    /// Who brings less at a time, in bytes, gets its next share at once: it holds nobody up. What floods a loop comes in larger
    /// pieces, as the kernel joins what waits.
    private static let lightPiece: UInt32 = 4 * 1024

    /// What a turn may bring in all, in bytes.
    private(set) var bytes = 256 * 1024
    /// What this turn has brought.
    private(set) var spent = 0
    /// For tests: neither changes then.
    private let fixedShare: Int?

    init() {
        fixedShare = nil
    }

    /// A budget that stays as it is.
    init(bytes: Int, share: Int) {
        precondition(bytes > 0 && share > 0, "a budget of nothing would stop the loop")
        self.bytes = bytes
        fixedShare = share
    }

    var isSpent: Bool { spent >= bytes }

    /// What of the turn's bytes is left.
    var rest: Int { max(bytes - spent, 0) }

    mutating func beginTurn() {
        spent = 0
    }

    @inline(__always)
    mutating func spend(_ count: Int) {
        spent += count
    }

    /// The share of one of so many that want more than there is. Who has not shown yet that it wants much gets the smallest.
    func share(among count: Int) -> Int {
        if let fixedShare { return fixedShare }
        let share = bytes / max(count, 1)
        return min(max(share, Self.shares.lowerBound), Self.shares.upperBound, bytes)
    }

    /// Whether an operation with that share is of no weight, going by the piece that it has brought last.
    static func isLight(_ piece: Int32, ofShare share: UInt32) -> Bool {
        UInt32(max(piece, 0)) < min(lightPiece, share / 4)
    }

    /// Learns from how long protocols took for this turn's bytes.
    mutating func learn(_ duration: Duration) {
        guard fixedShare == nil, spent >= Self.least / 2 else { return }
        let pace = Double(spent) / max(duration / Self.time, 1e-6)
        let affordable = Int(min(pace, Double(Self.most)))
        // Down at once, up by steps: one turn may have been a lucky one.
        bytes = max(min(affordable, bytes * 2), Self.least)
    }
}
