import ArgumentParser
import Foundation

/// `loopbench micro`: what single operations cost.
struct MicroCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "micro",
        abstract: "Measures scheduling, timers, threads and allocations within this process."
    )

    @Option(help: "How often each is measured.")
    var rounds = 5

    @Option(help: "Only those whose name contains this text.")
    var only: String?

    @Flag(help: "End with status 1 when a figure misses its bar.")
    var check = false

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds must be 1 or more.") }
    }

    func run() throws {
        let chosen = MicroBenchmark.catalog.filter { only.map($0.name.contains) ?? true }
        guard !chosen.isEmpty else { throw ValidationError("No benchmark has '\(only ?? "")' in its name.") }
        // In turns, so that what changes on the machine from minute to minute falls on all of them.
        var figures = [[Double]](repeating: [], count: chosen.count)
        for _ in 0..<rounds {
            for index in chosen.indices { figures[index].append(try chosen[index].measure()) }
        }
        var table = TextTable(columns: ["operation", "loop", "median", "±", "unit", "bar", ""])
        var missed = 0
        for (benchmark, values) in zip(chosen, figures) {
            let summary = Summary(values)
            let isMet = benchmark.bar.isMet(by: summary.median)
            if !isMet { missed += 1 }
            table.add([
                benchmark.name, benchmark.loop, shown(summary.median, benchmark.decimals),
                shown(summary.spread * 100, 0) + " %", benchmark.unit, benchmark.bar.text,
                isMet ? "" : "missed",
            ])
        }
        print("\(Machine.current.line)\nmedians of \(rounds) rounds, ± half the range\n")
        print(table.rendered(), terminator: "")
        if missed > 0, check { throw ExitCode.failure }
    }
}

extension MicroBenchmark.Bar {
    fileprivate var text: String {
        switch self {
        case .none: ""
        case .atLeast(let bar): "≥ \(bar.formatted())"
        case .atMost(let bar): "≤ \(bar.formatted())"
        }
    }
}
