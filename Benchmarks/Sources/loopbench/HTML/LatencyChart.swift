import Foundation

/// A curve for each contender: which latency so many per cent of its requests stayed below, from the median on.
struct LatencyChart {
    var result: WorkloadResult
    /// All of the report's contenders, so that each has the same line in every chart.
    var order: [String]

    private static let width = 360.0
    private static let (left, right, top, bottom) = (46.0, 352.0, 28.0, 250.0)
    private static let legendTop = 288.0
    private static let legendRow = 17.0

    private static let fractions = Measurement.Latency.fractions.filter { $0 >= 0.5 }

    /// The medians of the rounds' curves, in microseconds. Empty where the latencies were not kept.
    private func curve(of contender: String) -> [Double] {
        let curves = result.rounds.compactMap { $0[contender]?.latency?.curve }.filter { !$0.isEmpty }
        guard !curves.isEmpty else { return [] }
        let first = Measurement.Latency.fractions.count - Self.fractions.count
        return (first..<Measurement.Latency.fractions.count).map { index in
            max(Summary(curves.map { Double($0[index]) / 1_000 }).median, 0.1)
        }
    }

    /// Nil when there is nothing to draw.
    func drawing() -> Drawing? {
        let curves = result.contenders.map { ($0, curve(of: $0)) }.filter { !$0.1.isEmpty }
        let values = curves.flatMap(\.1)
        guard let lowest = values.min(), let highest = values.max() else { return nil }
        let range = log10(lowest)...max(log10(highest), log10(lowest) + 0.3)
        var body =
            "<text class=\"head\" x=\"0\" y=\"15\">Latency by percentile (\(loop))</text>"
        body += grid(range)
        // The library's own on top of the others.
        for (contender, values) in curves.sorted(by: { Kin($0.0) != .ours && Kin($1.0) == .ours }) {
            let points = zip(Self.fractions, values).map { fraction, value in
                "\(coordinate(Self.x(fraction))) \(coordinate(Self.y(value, range)))"
            }
            body += """
                <path \(lineAttributes(contender)) d="M\(points.joined(separator: "L"))"><title>\(escaped(contender))</title></path>
                """
        }
        let rows = (curves.count + 2) / 3
        for (index, curve) in curves.enumerated() {
            body += legend(curve.0, column: index / rows, row: index % rows)
        }
        let words = curves.map { contender, values in
            "\(contender) median \(shown(values[0], 1)) µs, 99 % below \(shown(values[5], 1)) µs"
        }
        return Drawing(
            title: "\(result.workload.name), latency by percentile",
            description: words.joined(separator: "; ") + ".",
            width: Self.width,
            height: Self.legendTop + Double(rows) * Self.legendRow,
            body: body
        )
    }

    private var loop: String { result.workload.rate == nil ? "closed loop" : "open loop" }

    /// 90 %, 99 %, 99.9 % and so on are equally far apart.
    private static func x(_ fraction: Double) -> Double {
        let (first, last) = (-log10(0.5), 4.0)
        return left + (-log10(1 - fraction) - first) / (last - first) * (right - left)
    }

    private static func y(_ microseconds: Double, _ range: ClosedRange<Double>) -> Double {
        bottom - (log10(microseconds) - range.lowerBound) / (range.upperBound - range.lowerBound)
            * (bottom - top)
    }

    private func grid(_ range: ClosedRange<Double>) -> String {
        var grid = ""
        let steps = range.upperBound - range.lowerBound > 2.2 ? [1.0] : [1.0, 2, 5]
        for power in Int(range.lowerBound.rounded(.down))...Int(range.upperBound.rounded(.up)) {
            for value in steps.map({ $0 * pow(10, Double(power)) }) where range.contains(log10(value)) {
                let y = Self.y(value, range)
                grid +=
                    "<path class=\"grid\" d=\"M\(coordinate(Self.left)) \(coordinate(y))H\(coordinate(Self.right))\"/>"
                grid += """
                    <text class="muted end" x="\(coordinate(Self.left - 6))" y="\(coordinate(y + 4))">\(time(value))</text>
                    """
            }
        }
        for (fraction, name) in [
            (0.5, "50 %"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99 %"),
        ] {
            let x = coordinate(Self.x(fraction))
            grid += "<path class=\"grid\" d=\"M\(x) \(coordinate(Self.top))V\(coordinate(Self.bottom))\"/>"
            let anchor = fraction == 0.9999 ? "end" : "middle"
            let place = fraction == 0.9999 ? coordinate(Self.width) : x
            grid +=
                "<text class=\"muted \(anchor)\" x=\"\(place)\" y=\"\(coordinate(Self.bottom + 16))\">\(name)</text>"
        }
        return grid
    }

    private func time(_ microseconds: Double) -> String {
        switch microseconds {
        case ..<1: "\(shown(microseconds * 1_000, 0)) ns"
        case ..<1_000: "\(shown(microseconds, 0)) µs"
        case ..<1_000_000: "\(shown(microseconds / 1_000, 0)) ms"
        default: "\(shown(microseconds / 1_000_000, 0)) s"
        }
    }

    private func lineAttributes(_ contender: String) -> String {
        let index = order.firstIndex(of: contender) ?? 0
        let kin = Kin(contender)
        let place = order.prefix(index).count { Kin($0) == kin }
        let dash = Theme.dashes[(place + index / Theme.lineColours) % Theme.dashes.count]
        let strength = kin == .ours ? " strong" : ""
        return "class=\"line l\(index % Theme.lineColours)\(strength)\""
            + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"")
    }

    private func legend(_ contender: String, column: Int, row: Int) -> String {
        let left = Double(column) * (Self.width / 3)
        let y = Self.legendTop + Double(row) * Self.legendRow
        return """
            <path \(lineAttributes(contender)) d="M\(coordinate(left)) \(coordinate(y - 4))h24"/>\
            <text class="muted" x="\(coordinate(left + 29))" y="\(coordinate(y))">\(escaped(contender))</text>
            """
    }
}
