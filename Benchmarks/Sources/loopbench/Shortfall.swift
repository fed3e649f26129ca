/// What was asked for and has no result in any round: for whoever reads a status and not a table.
struct Shortfall {
    /// One for each, with the reason.
    private(set) var lines: [String] = []

    /// - Parameters:
    ///   - plan: what was to be measured. What it left out by itself, as it is not there, was not asked for.
    ///   - contenders: those that were asked for by name. They were to take part in something.
    ///   - workloads: those that were asked for by name, not by that of a group.
    init(of plan: Plan, contenders: [Contender], workloads: [Workload], in results: [WorkloadResult]) {
        for contender in contenders where !plan.contenderNames.contains(contender.name) {
            lines.append("\(contender.name): it took part in nothing")
        }
        for workload in workloads where !plan.entries.contains(where: { $0.workload == workload }) {
            lines.append("\(workload.name): nobody took part in it")
        }
        for entry in plan.entries {
            let result = results.first { $0.workload == entry.workload }
            for contender in entry.contenders {
                guard let result else {
                    lines.append("\(contender.name) in \(entry.workload.name): it was not measured")
                    continue
                }
                guard let defect = result.defect(of: contender.name) else { continue }
                lines.append("\(contender.name) in \(entry.workload.name): it \(defect)")
            }
        }
    }
}
