/// The median of some values, and how far they lie apart.
struct Summary: Sendable, Codable, Equatable {
    var median: Double
    var lowest: Double
    var highest: Double
    /// How many values there were.
    var count: Int

    init(_ values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        count = sorted.count
        guard let first = sorted.first, let last = sorted.last else {
            (median, lowest, highest) = (.nan, .nan, .nan)
            return
        }
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        lowest = first
        highest = last
    }

    /// Every one of several ratios lay on the same side of 1.
    var isApartFromOne: Bool { count > 1 && (lowest > 1 || highest < 1) }

    /// Half the distance from the lowest to the highest, as a part of the median. One value has none.
    var spread: Double { count < 2 ? .nan : median == 0 ? 0 : (highest - lowest) / 2 / median }
}
