/// When a protocol is told to stop and to go on writing.
struct FlowControl: BitwiseCopyable {
    private static let defaultHigh = 64 * 1024

    /// Above it the protocol is paused, in bytes.
    private(set) var high: Int32 = Int32(defaultHigh)
    /// At or below it the protocol is resumed, in bytes.
    private(set) var low: Int32 = Int32(defaultHigh / 4)
    /// Whether the protocol was told to pause and not yet to go on.
    var isPaused = false

    mutating func setLimits(high: Int?, low: Int?) throws(EventLoopError) {
        let newHigh =
            high ?? low.map { $0.multipliedReportingOverflow(by: 4).partialValue } ?? Self.defaultHigh
        let newLow = low ?? newHigh / 4
        guard newLow >= 0, newHigh >= newLow, newHigh <= Int(Int32.max) else {
            throw .invalidArgument(
                "write buffer limits must be 0 <= low (\(newLow)) <= high (\(newHigh)) < 2 GiB"
            )
        }
        self.high = Int32(newHigh)
        self.low = Int32(newLow)
    }
}
