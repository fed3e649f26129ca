import ArgumentParser
import Foundation

/// `loopbench report`: what a run found, for people.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Makes a web page, tables and plots of what 'loopbench run --json' wrote.",
        discussion: """
            Several files of runs on one machine become one report; a workload that is in more than one comes from the \
            last. Without an output option it prints the table.
            """
    )

    @Argument(help: "Results as JSON; '-' is standard input.")
    var results: [String]

    @Option(name: [.short, .customLong("output")], help: "Writes one self-contained web page to this file.")
    var output: String?

    @Option(help: "Writes a plot of each workload to this directory as SVG.")
    var svgDir: String?

    @Option(
        help: """
            Writes the tables into this Markdown file, between the lines '\(MarkdownReport.begin)' and \
            '\(MarkdownReport.end)'. With --svg-dir the plots are shown too.
            """
    )
    var docs: String?

    func validate() throws {
        guard !results.isEmpty else { throw ValidationError("Which results? See 'loopbench run --json'.") }
    }

    func run() throws {
        var report = try Report.read(results[0])
        for path in results.dropFirst() {
            let other = try Report.read(path)
            if other.machine != report.machine {
                note("note: \(path) comes from another machine than \(results[0]): \(other.machine.line)")
            }
            report.merge(other)
        }
        if let output { try write(Data(HTMLReport(report).page().utf8), to: output) }
        if let svgDir { try writePlots(report, to: svgDir) }
        if let docs {
            try MarkdownReport(report, plots: svgDir.map { relative($0, to: docs) }).insert(into: docs)
        }
        if output == nil, svgDir == nil, docs == nil { print(report.text(), terminator: "") }
    }

    /// Plots of workloads that are no longer there do not stay. Other drawings in the directory do.
    private func writePlots(_ report: Report, to directory: String) throws {
        for old in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where WorkloadResult.isPlateName(old) {
            try FileManager.default.removeItem(atPath: "\(directory)/\(old)")
        }
        for result in report.results {
            let plate = result.plate(order: report.contenders).standalone()
            try write(Data(plate.utf8), to: "\(directory)/\(result.plateName)")
        }
    }

    /// `directory` as a link in `file` has to name it.
    private func relative(_ directory: String, to file: String) -> String {
        let parent = URL(filePath: file).deletingLastPathComponent().standardizedFileURL.path
        let target = URL(filePath: directory).standardizedFileURL.path
        return target.hasPrefix("\(parent)/") ? String(target.dropFirst(parent.count + 1)) : target
    }
}
