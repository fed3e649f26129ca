/// A time that loops of the library's and programs from elsewhere take for the same, and how they compare.
struct TwinnedFigure {
    /// How the first of the library's loops is held against one of the others.
    enum Ratio {
        /// The other's time over ours.
        case speed(over: String, MicroBenchmark.Bar)
        /// Our time over the other's.
        case time(over: String, MicroBenchmark.Bar)

        var other: String {
            switch self {
            case .speed(let other, _), .time(let other, _): other
            }
        }
    }

    var topic: MicroBenchmark.Topic
    var name: String
    var unit: String
    var decimals: Int
    /// So many nanoseconds are one of the unit.
    var unitNanoseconds: Double
    var ratio: Ratio
    var twins: [Twin]
    /// In nanoseconds.
    var own: (LoopKind) throws -> Double
    var other: (Twin) throws -> Double

    /// What was measured in this round, until the ratio takes it.
    private final class Latest {
        private var value: Double?

        func measure(_ body: () throws -> Double) rethrows -> Double {
            let measured = try body()
            value = measured
            return measured
        }

        func take(_ body: () throws -> Double) rethrows -> Double {
            defer { value = nil }
            return try value ?? body()
        }
    }

    /// A row for each, and one for the ratio where the other is installed.
    func benchmarks(on loops: [LoopKind]) -> [MicroBenchmark] {
        let latest = (loops.map(\.rawValue) + twins.map(\.name)).map { ($0, Latest()) }
        let latestOf = Dictionary(uniqueKeysWithValues: latest)
        func row(_ loop: String, _ measure: @escaping () throws -> Double) -> MicroBenchmark {
            MicroBenchmark(topic: topic, name: name, loop: loop, unit: unit, decimals: decimals) {
                let nanoseconds = try latestOf[loop]?.measure(measure) ?? measure()
                return nanoseconds / unitNanoseconds
            }
        }
        let rows =
            loops.map { kind in row(kind.rawValue) { try own(kind) } }
            + twins.map { twin in row(twin.name) { try other(twin) } }
        guard let first = loops.first, let twin = twins.first(where: { $0.name == ratio.other }) else {
            return rows
        }
        let ours = { try latestOf[first.rawValue]?.take { try own(first) } ?? own(first) }
        let theirs = { try latestOf[twin.name]?.take { try other(twin) } ?? other(twin) }
        // Bars are for the ring.
        return rows + [
            MicroBenchmark(
                topic: topic,
                name: "\(name), \(ratio.title)",
                loop: first.rawValue,
                unit: "×",
                bar: first == .proactor ? ratio.bar : .none
            ) {
                switch ratio {
                case .speed: try theirs() / ours()
                case .time: try ours() / theirs()
                }
            }
        ]
    }
}

extension TwinnedFigure.Ratio {
    fileprivate var title: String {
        switch self {
        case .speed(let other, _): "speed over \(other)'s"
        case .time(let other, _): "time over \(other)'s"
        }
    }

    fileprivate var bar: MicroBenchmark.Bar {
        switch self {
        case .speed(_, let bar), .time(_, let bar): bar
        }
    }
}
