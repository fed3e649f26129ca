/// How many bytes a turn of the loop brings to protocols, in all and for each connection, so that those who flood the loop hold up
/// neither the others nor timers, signals and what other threads post.
///
/// A connection that has had its share waits behind the others, and gets a new one in its turn: its bytes stay
/// in the kernel meanwhile, and hold no buffer. What a turn may bring in all is not fixed. Bytes that are copied on take
/// a fiftieth of the time of those that are parsed line by line, so it is what protocols, at their pace of late, deal
/// with in two milliseconds.
package struct TurnBudget {
    /// The least of a turn, in bytes: small enough for lines to be looked at one by one within that time, large enough for
    /// the calls to receive them not to count.
    private static let least = 16 * 1024
    /// The most of a turn, in bytes: all receive buffers of a ring.
    private static let most = 2 * 1024 * 1024
    /// A share that no turn uses up. It is given while protocols deal with the most that a turn can bring: to end a receive and
    /// begin it again cost echoes of a megabyte a quarter of their throughput, and much at a time is cheap for the peer
    /// too, whose kernel sends again whenever there is room.
    static let unlimitedShare = 1 << 30
    /// The share of who has not shown yet that it wants much, in bytes.
    private static let firstShare = 64 * 1024
    /// How long protocols may deal with a turn's bytes.
    private static let time = Duration.milliseconds(2)
    /// Who brings less at a time, in bytes, gets its next share at once: it holds nobody up. What floods a loop comes in larger
    /// pieces, as the kernel joins what waits.
    private static let lightPiece: UInt32 = 4 * 1024

    /// What a turn may bring in all, in bytes.
    private(set) var bytes = 256 * 1024
    /// What this turn has brought.
    private(set) var spent = 0
    /// What it had brought when somebody looked at the clock.
    private var measuredFrom = 0
    /// For tests: neither changes then.
    private let fixedShare: Int?

    init() {
        fixedShare = nil
    }

    /// A budget that stays as it is.
    package init(bytes: Int, share: Int) {
        precondition(bytes > 0 && share > 0, "a budget of nothing would stop the loop")
        self.bytes = bytes
        fixedShare = share
    }

    var isSpent: Bool { spent >= bytes }

    /// Whether the turn has brought so much that its time is worth a look at the clock, whoever it comes from.
    var isWorthMeasuring: Bool { spent >= Self.firstShare }

    mutating func beginTurn() {
        spent = 0
        measuredFrom = 0
    }

    /// What comes from here on is what ``learn(_:)`` learns from.
    mutating func beginMeasuring() {
        measuredFrom = spent
    }

    @inline(__always)
    mutating func spend(_ count: Int) {
        spent += count
    }

    /// What one connection may bring before the others have their turn, in bytes.
    var share: Int { fixedShare ?? (bytes < Self.most ? bytes : Self.unlimitedShare) }

    /// The same of one that is new, or has brought little at a time.
    var firstShare: Int { fixedShare ?? min(Self.firstShare, bytes) }

    /// Whether an operation with that share is of no weight, going by the piece that it has brought last.
    static func isLight(_ piece: Int32, ofShare share: UInt32) -> Bool {
        UInt32(max(piece, 0)) < min(lightPiece, share / 4)
    }

    /// Learns from how long protocols took for this turn's bytes.
    mutating func learn(_ duration: Duration) {
        let measured = spent - measuredFrom
        guard fixedShare == nil, measured >= Self.least / 2 else { return }
        let pace = Double(measured) / max(duration / Self.time, 1e-6)
        let affordable = Int(min(pace, Double(Self.most)))
        // Down at once, up by steps: one turn may have been a lucky one.
        bytes = max(min(affordable, bytes * 2), Self.least)
    }
}
