extension Report {
    /// As plain text for people.
    func text() -> String {
        var text = "\(machine.line)\n"
        text += "medians of \(rounds) rounds of \(shown(windowSeconds, 1)) s, ± half the range; "
        text += "closed loop; ratios to \(baseline), round by round\n\n"
        let traffic = results.filter { $0.workload.kind != .idle }
        let idle = results.filter { $0.workload.kind == .idle }
        if !traffic.isEmpty { text += trafficTable(traffic).rendered() + "\n" }
        if !idle.isEmpty { text += idleTable(idle).rendered() + "\n" }
        for failure in results.flatMap({ result in
            result.rounds.flatMap { round in
                round.failures.map { "\(result.workload.name), round \(round.index): \($0)" }
            }
        }) {
            text += "failed: \(failure)\n"
        }
        return text
    }

    private func trafficTable(_ results: [WorkloadResult]) -> TextTable {
        var table = TextTable(columns: [
            "workload", "contender", "per second", "±", "CPU µs each", "±", "p50 µs", "p99 µs", "load CPU",
            "throughput ×", "CPU ×", "notes",
        ])
        for result in results {
            for contender in result.contenders {
                let throughput = result.summary(of: contender, \.requestsPerSecond)
                let cpu = result.summary(of: contender, \.cpuMicroseconds)
                table.add([
                    result.workload.name, contender,
                    shown(throughput.median, 0), percent(throughput.spread),
                    shown(cpu.median, cpu.median < 1 ? 4 : 2), percent(cpu.spread),
                    shown(
                        result.summary(of: contender) { Double($0.latency.p50Nanoseconds) / 1e3 }.median,
                        1
                    ),
                    shown(
                        result.summary(of: contender) { Double($0.latency.p99Nanoseconds) / 1e3 }.median,
                        1
                    ),
                    percent(result.summary(of: contender, \.loadUtilisation).median),
                    shown(result.ratio(of: contender, to: baseline, \.requestsPerSecond).median, 3),
                    shown(result.ratio(of: contender, to: baseline, \.cpuMicroseconds).median, 3),
                    notes(result, contender),
                ])
            }
            table.addGap()
        }
        return table
    }

    private func idleTable(_ results: [WorkloadResult]) -> TextTable {
        var table = TextTable(columns: [
            "workload", "contender", "resident B each", "±", "anonymous B each", "resident ×", "notes",
        ])
        for result in results {
            let count = result.workload.connections
            for contender in result.contenders {
                let resident = result.summary(of: contender) { $0.residentBytes(connections: count) }
                let ratio = result.ratio(of: contender, to: baseline) { $0.residentBytes(connections: count) }
                table.add([
                    result.workload.name, contender,
                    shown(resident.median, 0), percent(resident.spread),
                    shown(result.summary(of: contender) { $0.anonymousBytes(connections: count) }.median, 0),
                    shown(ratio.median, 3),
                    notes(result, contender),
                ])
            }
            table.addGap()
        }
        return table
    }

    /// What a reader must know before believing the figures.
    private func notes(_ result: WorkloadResult, _ contender: String) -> String {
        let measurements = result.rounds.compactMap { $0[contender] }
        var notes: [String] = []
        let contested = measurements.count(where: \.isContested)
        if contested > 0, result.workload.kind != .idle {
            notes.append("contested: \(contested) of \(measurements.count) rounds")
        }
        let errors = measurements.reduce(0) { $0 + $1.errors }
        if errors > 0 { notes.append("\(errors) errors") }
        let corruptions = measurements.reduce(0) { $0 + $1.corruptions }
        if corruptions > 0 { notes.append("CORRUPT DATA on \(corruptions) connections") }
        return notes.joined(separator: "; ")
    }

    private func percent(_ part: Double) -> String { part.isNaN ? "–" : "\(shown(part * 100, 0)) %" }
}
