/// A bar for each contender, the best on top, with the range of its rounds.
struct BarChart {
    var result: WorkloadResult
    var figure: Figure

    private static let width = 360.0
    private static let nameWidth = 104.0
    private static let valueWidth = 66.0
    private static let rowHeight = 22.0
    private static let headHeight = 28.0

    func drawing() -> Drawing {
        let rows = result.ranking(by: figure).map { ($0, result.summary(of: $0, figure)) }
        let largest = rows.map(\.1.highest).filter(\.isFinite).max() ?? 0
        let room = Self.width - Self.nameWidth - Self.valueWidth
        let scale = largest > 0 ? room / largest : 0
        var body = "<text class=\"head\" x=\"0\" y=\"15\">\(escaped(title))</text>"
        var words: [String] = []
        for (index, (contender, summary)) in rows.enumerated() {
            body += row(
                contender,
                summary,
                top: Self.headHeight + Double(index) * Self.rowHeight,
                scale,
                room
            )
            words.append("\(contender) \(figure.shown(summary.median))")
        }
        return Drawing(
            title: "\(result.workload.name), \(title)",
            description: words.joined(separator: ", ") + ".",
            width: Self.width,
            height: Self.headHeight + Double(rows.count) * Self.rowHeight + 4,
            body: body
        )
    }

    private var title: String {
        capitalised(figure.title(for: result.workload))
            + (figure.isRate ? " (more is better)" : " (less is better)")
    }

    private func row(_ contender: String, _ summary: Summary, top: Double, _ scale: Double, _ room: Double)
        -> String
    {
        let (left, baseline) = (Self.nameWidth, coordinate(top + 14))
        let place = "x=\"\(coordinate(left))\" y=\"\(coordinate(top + 3))\" height=\"15\""
        var row =
            "<text class=\"end\" x=\"\(coordinate(left - 8))\" y=\"\(baseline)\">\(escaped(contender))</text>"
        row += "<rect class=\"track\" \(place) width=\"\(coordinate(room))\"/>"
        let value = figure.shown(summary.median)
        row += "<text class=\"end\" x=\"\(coordinate(Self.width - 2))\" y=\"\(baseline)\">\(value)</text>"
        guard summary.median.isFinite, summary.median >= 0 else { return row }
        let range = "\(figure.shown(summary.lowest)) to \(figure.shown(summary.highest))"
        row += """
            <rect class="\(Kin(contender).rawValue)" \(place) width="\(coordinate(max(summary.median * scale, 1)))">\
            <title>\(escaped(contender)): \(value), rounds \(range)</title></rect>
            """
        let (low, high) = (left + max(summary.lowest, 0) * scale, left + summary.highest * scale)
        guard high - low >= 1 else { return row }
        let middle = coordinate(top + 10.5)
        row += "<path class=\"whisker\" d=\"M\(coordinate(low)) \(middle)H\(coordinate(high))\"/>"
        for end in [low, high] {
            row += "<path class=\"whisker\" d=\"M\(coordinate(end)) \(coordinate(top + 7))v7\"/>"
        }
        return row
    }
}
