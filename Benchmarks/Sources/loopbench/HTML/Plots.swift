extension WorkloadResult {
    /// What there is to see of it.
    func plots(order: [String]) -> [Drawing] {
        switch workload.kind {
        case .idle:
            return [BarChart(result: self, figure: .resident).drawing()]
        case .streamIn, .streamOut, .proxy:
            return [.throughput, .cpu].map { BarChart(result: self, figure: $0).drawing() }
        case .flood:
            let bars = [Figure.p50, .p99, .throughput].map { BarChart(result: self, figure: $0).drawing() }
            return bars + [LatencyChart(result: self, order: order).drawing()].compactMap(\.self)
        case .echo, .lines, .exact, .churn, .udp, .http:
            let bars = [Figure.throughput, .cpu, .p99].map { BarChart(result: self, figure: $0).drawing() }
            return bars + [LatencyChart(result: self, order: order).drawing()].compactMap(\.self)
        }
    }

    /// All plots in one drawing, for a file.
    func plate(order: [String]) -> Drawing {
        let plots = plots(order: order)
        return Drawing.grid(plots, columns: min(plots.count, 2), title: workload.name)
    }

    /// A file name for it.
    var plateName: String { workload.name.replacing("@", with: "-at-") + ".svg" }

    /// Whether some workload's plots have this file name.
    static func isPlateName(_ name: String) -> Bool {
        name.hasSuffix(".svg")
            && Workload(named: String(name.dropLast(".svg".count)).replacing("-at-", with: "@")) != nil
    }
}
