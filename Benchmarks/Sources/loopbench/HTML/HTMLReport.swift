import Foundation

/// A report as one page that needs nothing else: no network, no script.
struct HTMLReport {
    private let report: Report

    init(_ report: Report) {
        self.report = report
    }

    func page() -> String {
        let sections = report.results.map(section)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>loopbench report</title>
            <style>\(Theme.page)</style>
            </head>
            <body>
            \(header)
            <main>
            \(overview)
            \(sections.joined(separator: "\n"))
            \(micro)
            \(surroundings)
            </main>
            </body>
            </html>

            """
    }

    private var header: String {
        let links = report.results.map {
            "<li><a href=\"#\(anchor($0.workload))\">\(escaped($0.workload.name))</a></li>"
        }
        let names = links + (report.micro.isEmpty ? [] : ["<li><a href=\"#micro\">micro-benchmarks</a></li>"])
        return """
            <header>
            <h1>loopbench report</h1>
            <p>\(escaped(report.machine.line))</p>
            <p class="quiet">\(day(report.date)). \(escaped(capitalised(report.methodLine))).</p>
            \(warnings)
            <nav aria-label="Workloads"><ul>\(names.joined())<li><a href="#surroundings">surroundings</a></li></ul></nav>
            </header>
            """
    }

    /// What a reader must know before anything else.
    private var warnings: String {
        let measurements = report.results.filter { $0.workload.kind != .idle }.flatMap(\.rounds).flatMap(
            \.measurements
        )
        let contested = measurements.count(where: \.isContested)
        var warnings: [String] = []
        if report.wasInterrupted == true {
            warnings.append("The run was interrupted: this is what was measured until then.")
        }
        if contested > 0 {
            warnings.append(
                "\(contested) of \(measurements.count) measurements were contested: something else used the same CPUs."
            )
        }
        if report.results.flatMap(\.rounds).flatMap(\.measurements).contains(where: { $0.corruptions > 0 }) {
            warnings.append(
                "A contender sent back other bytes than it was sent. Its figures are worth nothing."
            )
        }
        return warnings.map { "<p class=\"warning\">\(escaped($0))</p>" }.joined()
    }

    private var overview: String {
        guard !report.results.isEmpty else { return "" }
        return """
            <section id="overview">
            <h2>At a glance</h2>
            <p>\(escaped(capitalised(report.baselineLine))). Grey: some rounds lay on either side of 1, so that they show no \
            difference. The others lay on one side in all rounds.\(report.chanceLine)</p>
            \(key)
            \(ratioTable("Throughput (more is better)", .throughput))
            \(ratioTable("Server CPU time (less is better)", .cpu))
            \(ratioTable("Memory a connection (less is better)", .resident))
            </section>
            """
    }

    private var key: String {
        """
        <ul class="key"><li><span class="ours"></span>this library</li>\
        <li><span class="bare"></span>C, written for the system calls</li><li><span class="other"></span>others</li></ul>
        """
    }

    private func ratioTable(_ title: String, _ figure: Figure) -> String {
        let results = report.results.filter { Figure.all(for: $0.workload).contains(figure) }
        guard !results.isEmpty else { return "" }
        let head = ["contender"] + results.map(\.workload.name)
        let contenders = report.contenders.filter { contender in
            results.contains { $0.contenders.contains(contender) }
        }
        let rows = contenders.map { contender in
            let ratios = results.map { $0.ratio(of: contender, to: report.baseline, figure) }
            let cells = ratios.map { cell(shown($0.median, 2), isQuiet: !$0.isApartFromOne) }
            return row(contender, cells, kin: Kin(contender))
        }
        return "<h3>\(escaped(title))</h3><div class=\"ratios\">\(table(head, rows))</div>"
    }

    private func section(_ result: WorkloadResult) -> String {
        let workload = result.workload
        let plots = result.plots(order: report.contenders).map { "<figure>\($0.inline())</figure>" }
        let figures = Figure.all(for: workload)
        // What the others say follows from these two, or varies more than it tells.
        let compared = figures.filter { [.throughput, .cpu, .resident].contains($0) }
        let head =
            ["contender"] + figures.map { capitalised($0.title(for: workload)) }
            + compared.map(\.ratioTitle) + ["notes"]
        let rows = result.contenders.map { contender in
            let cells = figures.map { figure in
                let summary = result.summary(of: contender, figure)
                return summary.median.isFinite
                    ? "\(figure.shown(summary.median)) ± \(percent(summary.spread))" : "–"
            }
            let ratios = compared.map { ratioText(result.ratio(of: contender, to: report.baseline, $0)) }
            return row(
                [contender] + cells + ratios + [result.notes(on: contender).joined(separator: "; ")],
                kin: Kin(contender)
            )
        }
        return """
            <section id="\(anchor(workload))">
            <h2>\(escaped(workload.name))</h2>
            <p>\(escaped(capitalised(workload.summary))).</p>
            <div class="plots">\(plots.joined())</div>
            <details><summary>All figures</summary>\(table(head, rows))</details>
            <details><summary>What this measures, and what not</summary>
            <p>\(escaped(workload.measures))</p><p>Not: \(escaped(workload.ignores))</p></details>
            </section>
            """
    }

    private var micro: String {
        guard !report.micro.isEmpty else { return "" }
        let names = report.micro.map(\.name).withoutRepeats
        let rows = names.flatMap { name in
            report.micro.filter { $0.name == name }.map { result in
                row(
                    [
                        result.name,
                        "\(shown(result.summary.median, result.decimals)) \(result.unit)",
                        result.loop, "± \(percent(result.summary.spread))", result.bar.text,
                        result.meetsBar ? "" : "missed",
                    ],
                    kin: .other
                )
            }
        }
        return """
            <section id="micro">
            <h2>Micro-benchmarks</h2>
            <p>Single operations of this library, within one process. Some have a bar that a release must reach.</p>
            \(table(["operation", "median", "loop", "spread", "bar", ""], rows))
            </section>
            """
    }

    private var surroundings: String {
        let memory = "\(shown(Double(report.machine.memoryBytes) / 1_073_741_824, 0)) GiB"
        var entries = [("machine", report.machine.line), ("memory", memory)]
        if let cpus = report.cpus {
            entries.append(("CPUs", "server on \(cpus.server), load on \(cpus.load)"))
        }
        entries += report.surroundings.versions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        entries += report.surroundings.features.sorted { $0.key < $1.key }.map {
            ("ring: \($0.key)", $0.value)
        }
        let list = entries.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }
        let lines = report.skipped.map { "skipped: \($0)" } + report.failures.map { "failed: \($0)" }
        let left = lines.map { "<li>\(escaped($0))</li>" }.joined()
        return """
            <section id="surroundings">
            <h2>Surroundings</h2>
            <dl>\(list.joined())</dl>
            \(left.isEmpty ? "" : "<h3>Left out</h3><ul class=\"quiet\">\(left)</ul>")
            </section>
            """
    }

    private func table(_ head: [String], _ rows: [String]) -> String {
        let cells = head.map { "<th scope=\"col\">\(escaped($0))</th>" }
        return
            "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>\(cells.joined())</tr></thead><tbody>\(rows.joined())</tbody></table></div>"
    }

    private func row(_ texts: [String], kin: Kin) -> String {
        row(texts[0], texts.dropFirst().map { cell($0) }, kin: kin)
    }

    private func row(_ title: String, _ cells: [String], kin: Kin) -> String {
        let first = "<td\(kin == .ours ? " class=\"ours\"" : "")>\(escaped(title))</td>"
        return "<tr>\(first)\(cells.joined())</tr>"
    }

    private func cell(_ text: String, isQuiet: Bool = false) -> String {
        "<td\(isQuiet ? " class=\"even\"" : "")>\(escaped(text))</td>"
    }

    private func anchor(_ workload: Workload) -> String { workload.name.replacing("@", with: "-at-") }
}

/// As `2026-11-21`.
func day(_ date: Date) -> String {
    date.formatted(.iso8601.year().month().day())
}
