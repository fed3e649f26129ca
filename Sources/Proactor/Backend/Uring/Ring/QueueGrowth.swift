/// When a ring's queues had better be larger: the sizes they have, and what they have been put to.
///
/// A full submission queue costs one more system call. A full completion queue ends the multishot operations that meet it, and
/// each is submitted anew. Making them larger holds the loop up for some milliseconds, and takes locked memory that other loops
/// may need: so the queues grow by much, and only when they were too small often enough for that to pay.
struct QueueGrowth {
    /// Entries of the two queues.
    struct Sizes: Hashable {
        var submissions: Int
        var completions: Int
    }

    private(set) var sizes: Sizes
    private let limits: Sizes
    private var strain = 0
    /// Whether there is still room to grow, and the kernel has not refused it.
    private(set) var isPossible: Bool

    static let step = 4
    static let strainOfFlush = 1
    static let strainOfOverflow = 64
    /// What the queues bear before they grow.
    static let strainLimit = 1024

    init(sizes: Sizes, limits: Sizes, isPossible: Bool) {
        self.sizes = sizes
        self.limits = Sizes(
            submissions: max(sizes.submissions, limits.submissions),
            completions: max(sizes.completions, limits.completions)
        )
        self.isPossible = isPossible && self.limits != sizes
    }

    /// The submission queue was full before the turn's end.
    mutating func noteFlush() { strain += Self.strainOfFlush }

    /// Completions found their queue full.
    mutating func noteOverflow() { strain += Self.strainOfOverflow }

    /// The sizes that the queues should have, when it is time for others.
    var next: Sizes? {
        guard isPossible, strain >= Self.strainLimit else { return nil }
        return Sizes(
            submissions: min(sizes.submissions * Self.step, limits.submissions),
            completions: min(sizes.completions * Self.step, limits.completions)
        )
    }

    mutating func hasGrown(to sizes: Sizes) {
        self.sizes = sizes
        strain = 0
        isPossible = sizes.submissions < limits.submissions || sizes.completions < limits.completions
    }

    /// The kernel does not do it: what it has refused once is not asked for again.
    mutating func stop() { isPossible = false }
}
