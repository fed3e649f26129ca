/// One turn of all contenders at a workload. Ratios are formed within it.
struct Round: Sendable, Codable {
    var index: Int
    var measurements: [Measurement] = []
    /// Servers that did not start, died, or would not end.
    var failures: [String] = []

    subscript(contender: String) -> Measurement? {
        measurements.first { $0.contender == contender }
    }
}
