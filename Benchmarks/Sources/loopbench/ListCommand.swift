import ArgumentParser

/// `loopbench list`: what can be measured, and with whom.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Shows the workloads, the contenders and the micro-benchmarks."
    )

    @Flag(help: "Says of each workload and micro-benchmark what it measures and what it does not.")
    var verbose = false

    func run() {
        print("Workloads (for --workloads; * are in 'core', + in 'quick'):")
        for workload in Workload.catalog {
            let core = Workload.core.contains(workload) ? "*" : " "
            let quick = Workload.quick.contains(workload) ? "+" : " "
            print("  \(padded(workload.name, 26))\(core)\(quick) \(workload.summary)")
            if verbose {
                print("      measures: \(workload.measures)")
                print("      does not: \(workload.ignores)\n")
            }
        }
        print(
            """

              Any other of the same form works too: echo-4KiBx10, pipelined-64Bx100x8, idle-20000, unix-churn-64Bx5, \
            echo-64Bx50@5000 (5,000 a second, open loop), tls-pipelined-64Bx10x32, tls-idle-1MiBx100.
              Groups: \(Workload.groups.map(\.name).joined(separator: ", ")), micro (what 'loopbench micro' measures).

            Contenders (for --contenders; any other server joins by --contender 'mine=./my-server {port}'):
            """
        )
        for contender in Contender.catalog {
            let missing = contender.missing.map { " [missing: \($0)]" } ?? ""
            print("  \(padded(contender.name, 27))  \(contender.summary)\(missing)")
        }
        print("\nMicro-benchmarks (for 'loopbench micro --only'; its options change their sizes and loops):")
        let micro = MicroBenchmark.catalog()
        for name in micro.map(\.name).withoutRepeats {
            let same = micro.filter { $0.name == name }
            print("  \(padded(name, 43)) \(same.map(\.loop).joined(separator: ", "))")
            guard verbose, let first = same.first else { continue }
            print("      measures: \(first.measures)")
            print("      does not: \(first.ignores)\n")
        }
    }
}
