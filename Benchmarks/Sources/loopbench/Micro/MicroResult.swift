/// What a micro-benchmark found over its rounds.
struct MicroResult: Sendable, Codable {
    var name: String
    var loop: String
    var unit: String
    var decimals: Int
    /// What the figure has to reach, if anything.
    var bar: MicroBenchmark.Bar
    var values: [Double]

    var summary: Summary { Summary(values) }
    var meetsBar: Bool { bar.isMet(by: summary.median) }

    static func table(_ results: [MicroResult]) -> TextTable {
        var table = TextTable(columns: ["operation", "loop", "median", "±", "unit", "bar", ""])
        for result in results {
            table.add([
                result.name, result.loop, shown(result.summary.median, result.decimals),
                percent(result.summary.spread), result.unit, result.bar.text, result.meetsBar ? "" : "missed",
            ])
        }
        return table
    }
}
