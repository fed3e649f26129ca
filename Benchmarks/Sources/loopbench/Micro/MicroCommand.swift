import ArgumentParser
import Foundation

/// `loopbench micro`: what single operations cost.
struct MicroCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "micro",
        abstract: "Measures scheduling, timers, threads and allocations within this process.",
        discussion: """
            'loopbench list --verbose' says of each what it measures and what not. Bars hold for the usual sizes only.
            """
    )

    @OptionGroup(title: "Sizes")
    var options: MicroOptions

    @Option(help: "How often each is measured.")
    var rounds = 5

    @Option(help: "Only those whose name contains this text.")
    var only: String?

    @Flag(help: "End with status 1 when a figure misses its bar.")
    var check = false

    @Option(help: "Writes the figures to this file as JSON; '-' prints them instead of the table.")
    var json: String?

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds must be 1 or more.") }
    }

    func run() throws {
        let chosen = MicroBenchmark.catalog(try options.sizes()).filter { only.map($0.name.contains) ?? true }
        guard !chosen.isEmpty else { throw ValidationError("No benchmark has '\(only ?? "")' in its name.") }
        let progress = Progress(total: rounds * chosen.count)
        var report = Report(
            date: Date(),
            machine: .current,
            surroundings: .current(with: []),
            cpus: nil,
            baseline: "",
            rounds: rounds,
            windowSeconds: 0,
            warmUpSeconds: 0
        )
        report.micro = try MicroBenchmark.run(chosen, rounds: rounds, progress: progress)
        if json == "-" {
            print(String(decoding: try report.json(), as: UTF8.self))
        } else {
            print(
                "\(report.machine.line)\nmedians of \(rounds) \(rounds == 1 ? "round" : "rounds"), ± half the range\n"
            )
            print(MicroResult.table(report.micro).rendered(), terminator: "")
            if let json { try write(try report.json(), to: json) }
        }
        if check, !report.micro.allSatisfy(\.meetsBar) { throw ExitCode.failure }
    }
}
