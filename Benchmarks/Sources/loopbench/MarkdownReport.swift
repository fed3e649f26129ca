import Foundation

/// A report's tables for a document in Markdown.
struct MarkdownReport {
    static let begin = "<!-- loopbench results: begin -->"
    static let end = "<!-- loopbench results: end -->"

    struct NoPlace: Error, CustomStringConvertible {
        var path: String

        var description: String {
            "\(path) has no line '\(MarkdownReport.begin)' with a line '\(MarkdownReport.end)' below it: add them"
        }
    }

    private let report: Report
    private let plots: String?

    /// - Parameter plots: where the plots are, as the document has to name it.
    init(_ report: Report, plots: String?) {
        self.report = report
        self.plots = plots
    }

    /// Puts the tables in the place of those that are in the document.
    func insert(into path: String) throws {
        let url = URL(filePath: path)
        let text = try String(contentsOf: url, encoding: .utf8)
        guard let replaced = inserted(into: text) else { throw NoPlace(path: path) }
        try Data(replaced.utf8).write(to: url)
    }

    /// The document with the tables, or nil when it has no place for them.
    func inserted(into text: String) -> String? {
        guard let start = text.range(of: Self.begin),
            let end = text.range(of: Self.end, range: start.upperBound..<text.endIndex)
        else { return nil }
        return text[..<start.upperBound] + "\n\n\(markdown())\n" + text[end.lowerBound...]
    }

    func markdown() -> String {
        var text =
            "\(report.machine.line); \(day(report.date)).\n\(capitalised(report.methodLine)); \(report.baselineLine).\n\n"
        let versions = report.surroundings.versions.sorted { $0.key < $1.key }.map {
            "\($0.key): \($0.value)"
        }
        if !versions.isEmpty { text += "Versions: \(versions.joined(separator: "; ")).\n\n" }
        let features = report.surroundings.features.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if !features.isEmpty { text += "The ring: \(features.joined(separator: ", ")).\n\n" }
        if !report.results.isEmpty {
            text +=
                "In bold: all rounds lay on the same side of 1.\(report.chanceLine) The others show no difference.\n\n"
        }
        text += overview
        for result in report.results {
            text +=
                "### \(result.workload.name)\n\n\(capitalised(result.workload.summary)).\n\n\(table(result))\n"
            if let plots { text += "![Plots of \(result.workload.name)](\(plots)/\(result.plateName))\n\n" }
        }
        if !report.micro.isEmpty { text += "### Micro-benchmarks\n\n\(microTable)\n" }
        let lines = report.skipped.map { "- skipped: \($0)\n" } + report.failures.map { "- failed: \($0)\n" }
        if !lines.isEmpty { text += "### Left out\n\n\(lines.joined())\n" }
        return text
    }

    /// All contenders and workloads side by side, by ratios.
    private var overview: String {
        let tables: [(title: String, figure: Figure)] = [
            ("Throughput, × (more is better)", .throughput), ("Server CPU time, × (less is better)", .cpu),
            ("Memory a connection, × (less is better)", .resident),
        ]
        return tables.map { title, figure in
            let results = report.results.filter { Figure.all(for: $0.workload).contains(figure) }
            guard !results.isEmpty else { return "" }
            let rows = report.contenders.filter { contender in
                results.contains { $0.contenders.contains(contender) }
            }
            let lines = rows.map { contender in
                [contender]
                    + results.map { result in
                        let ratio = result.ratio(of: contender, to: report.baseline, figure)
                        return ratio.isApartFromOne ? "**\(shown(ratio.median, 2))**" : shown(ratio.median, 2)
                    }
            }
            return "### \(title)\n\n\(rendered(["contender"] + results.map(\.workload.name), lines))\n"
        }.joined()
    }

    private func table(_ result: WorkloadResult) -> String {
        let workload = result.workload
        let figures = Figure.all(for: workload).filter { $0 != .p90 && $0 != .maximum }
        let first = figures[0]
        let head =
            ["contender"] + figures.map { $0.title(for: workload) } + [first.ratioTitle]
        let notes = result.contenders.contains { !result.notes(on: $0).isEmpty }
        let rows = result.contenders.map { contender in
            [contender]
                + figures.map { figure in
                    let summary = result.summary(of: contender, figure)
                    guard summary.median.isFinite else { return "–" }
                    return "\(figure.shown(summary.median)) ± \(percent(summary.spread))"
                }
                + [ratioText(result.ratio(of: contender, to: report.baseline, first))]
                + (notes ? [result.notes(on: contender).joined(separator: "; ")] : [])
        }
        return rendered(head + (notes ? ["notes"] : []), rows)
    }

    private var microTable: String {
        rendered(
            ["operation", "loop", "median", "unit", "bar"],
            report.micro.map { result in
                [
                    result.name, result.loop,
                    "\(shown(result.summary.median, result.decimals)) ± \(percent(result.summary.spread))",
                    result.unit, result.bar.text,
                ]
            }
        )
    }

    private func rendered(_ head: [String], _ rows: [[String]]) -> String {
        let lines = [head, head.indices.map { $0 == 0 ? "---" : "---:" }] + rows
        return lines.map { "| \($0.joined(separator: " | ")) |\n" }.joined()
    }
}
