extension Report {
    /// As plain text for people.
    func text() -> String {
        var text = "\(machine.line)\n\(methodLine)"
        if !results.isEmpty { text += "; \(baselineLine)" }
        text += "\n\n"
        for table in tables { text += table.rendered() + "\n" }
        for line in skipped { text += "skipped: \(line)\n" }
        for line in failures { text += "failed: \(line)\n" }
        return text
    }

    private var tables: [TextTable] {
        let streams = results.filter(\.workload.isStream)
        let idle = results.filter { $0.workload.kind == .idle }
        let requests = results.filter { $0.workload.hasLatency && !$0.workload.isStream }
        let waiting = results.filter(\.workload.hasLatency)
        var tables: [TextTable] = []
        if !requests.isEmpty { tables.append(costTable(requests)) }
        if !waiting.isEmpty { tables.append(latencyTable(waiting)) }
        if !streams.isEmpty { tables.append(costTable(streams)) }
        if !idle.isEmpty { tables.append(memoryTable(idle)) }
        if !micro.isEmpty { tables.append(MicroResult.table(micro)) }
        return tables
    }

    private func costTable(_ results: [WorkloadResult]) -> TextTable {
        let isStream = results.first?.workload.isStream == true
        var table = TextTable(columns: [
            "workload", "contender", isStream ? "MB a second" : "per second", "±",
            isStream ? "CPU µs a MB" : "CPU µs each", "±", "load CPU", "throughput ×", "±", "CPU ×", "±",
            "notes",
        ])
        for result in results {
            for contender in result.contenders {
                let throughput = result.summary(of: contender, .throughput)
                let cpu = result.summary(of: contender, .cpu)
                let throughputRatio = result.ratio(of: contender, to: baseline, .throughput)
                let cpuRatio = result.ratio(of: contender, to: baseline, .cpu)
                table.add([
                    result.workload.name, contender,
                    Figure.throughput.shown(throughput.median), percent(throughput.spread),
                    Figure.cpu.shown(cpu.median), percent(cpu.spread),
                    loadUtilisation(result, contender),
                    shown(throughputRatio.median, 3), percent(throughputRatio.spread),
                    shown(cpuRatio.median, 3), percent(cpuRatio.spread),
                    result.notes(on: contender).joined(separator: "; "),
                ])
            }
            table.addGap()
        }
        return table
    }

    /// Near 100 % the load sets the throughput. An open loop spins while it waits.
    private func loadUtilisation(_ result: WorkloadResult, _ contender: String) -> String {
        guard result.workload.rate == nil else { return "–" }
        return percent(Summary(result.rounds.compactMap { $0[contender] }.map(\.loadUtilisation)).median)
    }

    private func latencyTable(_ results: [WorkloadResult]) -> TextTable {
        var table = TextTable(columns: [
            "workload", "contender", "p50 µs", "p90 µs", "p99 µs", "±", "p99.9 µs", "maximum µs", "loop",
        ])
        for result in results {
            for contender in result.contenders {
                func median(_ figure: Figure) -> String {
                    figure.shown(result.summary(of: contender, figure).median)
                }
                table.add([
                    result.workload.name, contender, median(.p50), median(.p90), median(.p99),
                    percent(result.summary(of: contender, .p99).spread), median(.p999), median(.maximum),
                    result.workload.rate == nil ? "closed" : "open",
                ])
            }
            table.addGap()
        }
        return table
    }

    private func memoryTable(_ results: [WorkloadResult]) -> TextTable {
        var table = TextTable(columns: [
            "workload", "contender", "resident B each", "±", "anonymous B each", "resident ×", "±", "notes",
        ])
        for result in results {
            for contender in result.contenders {
                let resident = result.summary(of: contender, .resident)
                let ratio = result.ratio(of: contender, to: baseline, .resident)
                table.add([
                    result.workload.name, contender,
                    shown(resident.median, 0), percent(resident.spread),
                    shown(result.summary(of: contender, .anonymous).median, 0),
                    shown(ratio.median, 3), percent(ratio.spread),
                    result.notes(on: contender).joined(separator: "; "),
                ])
            }
            table.addGap()
        }
        return table
    }
}

/// A ratio's median and spread over the rounds: `1.02 ± 6 %`.
func ratioText(_ ratio: Summary) -> String {
    ratio.median.isFinite ? "\(shown(ratio.median, 2)) ± \(percent(ratio.spread))" : "–"
}

/// `0.034` as `3 %`; below a percent with a decimal.
func percent(_ part: Double) -> String {
    guard part.isFinite else { return "–" }
    return "\(shown(part * 100, abs(part) < 0.0095 ? 1 : 0)) %"
}
