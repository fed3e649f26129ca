import ArgumentParser

/// `loopbench list`: what can be measured, and with whom.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Shows the workloads and the contenders."
    )

    func run() {
        print("Workloads (for --workloads; 'core' stands for those marked *):")
        for workload in Workload.catalog {
            print("  \(padded(workload.name, 20))\(workload.isCore ? "* " : "  ")\(workload.summary)")
        }
        print("\nContenders (for --contenders):")
        for contender in Contender.catalog {
            let missing = contender.missing.map { " [missing: \($0)]" } ?? ""
            print("  \(padded(contender.name, 20))  \(contender.summary)\(missing)")
        }
    }
}
