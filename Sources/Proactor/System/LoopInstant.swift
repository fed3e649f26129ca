/// A point on the clock of an event loop: monotonic, in nanoseconds from an origin that means nothing.
///
/// The clock is Linux's `CLOCK_MONOTONIC`, so instants of two loops of one machine compare; a simulated loop has a
/// clock of its own.
///
/// ```swift
/// let deadline = loop.time().advanced(by: .seconds(5))
/// try loop.callAt(deadline) { print("five seconds are over") }
/// ```
public struct LoopInstant: InstantProtocol, Hashable, Sendable, CustomStringConvertible {
    /// Nanoseconds since the clock's origin.
    public let nanoseconds: Int64

    /// The instant that lies `nanoseconds` after the clock's origin.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The instant `duration` later. Below a nanosecond it rounds up, beyond some 292 years it stays at the last instant.
    public func advanced(by duration: Duration) -> LoopInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.nanosecondsRoundedUp)
        guard overflow else { return LoopInstant(nanoseconds: sum) }
        return LoopInstant(nanoseconds: duration < .zero ? .min : .max)
    }

    /// The time from this instant to `other`; below zero when `other` is earlier.
    public func duration(to other: LoopInstant) -> Duration {
        .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    public static func < (left: LoopInstant, right: LoopInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    public var description: String { "LoopInstant(\(Duration.nanoseconds(nanoseconds)))" }
}

extension Duration {
    /// Whole nanoseconds, rounded up so that a timer never fires early, and held within `Int64`.
    var nanosecondsRoundedUp: Int64 {
        let attoseconds = self.attoseconds
        // Nearly all delays are below 9.2 seconds, where 64 bits hold the attoseconds: 128-bit division costs 20 ns.
        if let small = Int64(exactly: attoseconds) {
            let (quotient, remainder) = small.quotientAndRemainder(dividingBy: 1_000_000_000)
            return remainder > 0 ? quotient + 1 : quotient
        }
        let (quotient, remainder) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return Int64(clamping: remainder > 0 ? quotient + 1 : quotient)
    }
}
