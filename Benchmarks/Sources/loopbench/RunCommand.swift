import ArgumentParser
import CLoad
import Foundation

/// `loopbench run`: measures and prints a table.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measures contenders side by side and prints a table.",
        discussion: """
            Without options it measures every contender that this machine can run with the 'core' workloads, which takes \
            more than half an hour; '--workloads quick --minutes 5' takes five minutes. Two CPUs are needed, and quiet: \
            close what else is running. Ctrl-C ends a run with what it has measured.

            Ends with status 0 when all that was asked for has a result. With 3 when something has none in any round: a \
            contender that failed each time, sent back nothing or other bytes, or one that --contenders or --contender \
            names, or a workload that --workloads names, and that cannot be run here. What is left out because it is not \
            installed, and was not named, does not count. With 130 after Ctrl-C. In these cases everything has been \
            printed and written. With 1 when it could not measure (one CPU, a --contender that does not start) or not \
            write a file, and with 64 when the command line makes no sense.
            """
    )

    @Option(help: "Workloads or groups of them, separated by commas. See 'loopbench list'.")
    var workloads = "core"

    @OptionGroup
    var contenderOptions: ContenderOptions

    @Option(help: "The contender that ratios are formed to. (default: the first)")
    var baseline: String?

    @Option(help: "How often each contender gets its turn.")
    var rounds = 5

    @Option(help: "Length of a measured window, in seconds. (default: 2)")
    var seconds: Double?

    @Option(
        help:
            "How long the traffic runs before the window, in seconds. (default: a quarter of it, 0.5 at most)"
    )
    var warmUp: Double?

    @Option(
        help:
            "Chooses the length of the windows so that all takes about so many minutes, unless --seconds says it."
    )
    var minutes: Double?

    @Option(help: "Echo in an open loop: so many messages are due each second, on all connections together.")
    var rate: Double?

    @Option(help: "The CPU that servers are pinned to. (default: the first that may be used)")
    var serverCPU: Int?

    @Option(help: "The CPU that the load comes from. (default: one of another core)")
    var loadCPU: Int?

    @Option(help: "Another number of connections than the workload's own.")
    var connections: Int?

    @Option(help: "Another message size than the workload's own, in bytes.")
    var messageBytes: Int?

    @Option(
        help:
            "Another number of messages in flight on a connection than the workload's own; echo and UDP only."
    )
    var depth: Int?

    @Option(
        help: "Writes everything that was measured to this file as JSON; '-' prints it instead of the table."
    )
    var json: String?

    @Option(help: "Writes the report to this file as a web page.")
    var html: String?

    @Flag(help: "Says what would be measured and how long it would take, and measures nothing.")
    var dryRun = false

    func validate() throws {
        guard (1...100_000).contains(rounds) else {
            throw ValidationError("--rounds must lie between 1 and 100,000.")
        }
        guard seconds ?? 1 > 0, seconds ?? 1 <= 3_600 else {
            throw ValidationError("--seconds must be more than 0 and at most 3,600.")
        }
        guard (0...3_600).contains(warmUp ?? 0) else {
            throw ValidationError("--warm-up must lie between 0 and 3,600.")
        }
        guard minutes ?? 1 > 0, minutes ?? 1 <= 100_000 else {
            throw ValidationError("--minutes must be more than 0 and at most 100,000.")
        }
        do {
            for workload in try selectedWorkloads() {
                if let problem = workload.problem { throw ValidationError("\(workload.name): \(problem).") }
            }
            _ = try selectedContenders()
        } catch let error as SelectionError {
            throw ValidationError(error.description)
        }
    }

    func run() throws {
        let cpus = try CPUPair.choose(server: serverCPU, load: loadCPU)
        if !dryRun {
            // Better now than after hours.
            for path in [json, html].compactMap(\.self) where path != "-" { try checkThatCanBeWritten(path) }
        }
        let chosen = try selectedContenders()
        var plan = Plan(try selectedWorkloads(), chosen, areNamed: contenderOptions.contenders != nil)
        let certificate = dryRun ? nil : try RunCertificate.ifNeeded(for: plan.entries.map(\.workload))
        if !dryRun {
            try plan.rehearse(
                chosen,
                cpus,
                startSeconds: contenderOptions.startTimeout,
                certificate: certificate
            )
        }
        for line in plan.skipped { note("skipped: \(line)") }
        let first = chosen.first { contender in plan.contenderNames.contains(contender.name) }
        guard first != nil || includesMicro else {
            note("None of the contenders can run these workloads here.")
            throw ExitCode(Self.shortfallStatus)
        }
        let microSeconds = includesMicro ? Double(rounds) * MicroBenchmark.secondsOfARound : 0
        let window =
            seconds ?? minutes.map { plan.windowSeconds(for: $0 - microSeconds / 60, rounds: rounds) } ?? 2
        let warmUp = warmUp ?? Plan.warmUpSeconds(for: window)
        let expected = plan.seconds(window: window, warmUp: warmUp, rounds: rounds) + microSeconds
        if dryRun { print(plan.text, terminator: "") }
        note(
            """
            \(plan.measurementCount(rounds: rounds)) measurements of \(shown(window, 2)) s\
            \(includesMicro ? ", and the micro-benchmarks" : ""): \(Self.time(expected))
            """
        )
        guard !dryRun else { return }
        var report = startedReport(
            cpus,
            baseline: baseline ?? first?.name ?? "",
            window: first == nil ? 0 : window,
            warmUp: first == nil ? 0 : warmUp,
            chosen
        )
        report.skipped = plan.skipped
        cload_catch_interrupts()
        report.results = try runner(cpus, plan, report, certificate).run(plan) { results in
            // What a long run has found so far survives its end. If this cannot be written, the end may still be.
            guard let json, json != "-" else { return }
            var unfinished = report
            unfinished.results = results
            do { try write(try unfinished.json(), to: json) } catch { note("\(error)") }
        }
        try finish(report, plan)
    }

    private func runner(
        _ cpus: CPUPair,
        _ plan: Plan,
        _ report: Report,
        _ certificate: RunCertificate?
    ) -> Runner {
        Runner(
            rounds: rounds,
            cpus: cpus,
            generator: LoadGenerator(
                warmUpSeconds: report.warmUpSeconds,
                windowSeconds: report.windowSeconds,
                cpus: cpus,
                certificate: certificate,
                interruptsApart: report.machine.accountsInterruptsApart,
                throttleFile: ControlGroup.current.throttleFile
            ),
            progress: Progress(total: plan.measurementCount(rounds: rounds)),
            startSeconds: contenderOptions.startTimeout
        )
    }

    private static func time(_ seconds: Double) -> String {
        seconds < 90 ? "about \(shown(seconds, 0)) s" : "about \(shown(seconds / 60, 0)) min"
    }

    private func startedReport(
        _ cpus: CPUPair,
        baseline: String,
        window: Double,
        warmUp: Double,
        _ contenders: [Contender]
    ) -> Report {
        Report(
            date: Date(),
            machine: .current,
            surroundings: .current(with: contenders.filter { $0.missing == nil }),
            cpus: cpus,
            baseline: baseline,
            rounds: rounds,
            windowSeconds: window,
            warmUpSeconds: warmUp
        )
    }

    private func finish(_ measured: Report, _ plan: Plan) throws {
        var report = measured
        if includesMicro, !cload_was_interrupted() {
            let catalog = MicroBenchmark.catalog()
            let progress = Progress(total: rounds * catalog.count)
            report.micro = try MicroBenchmark.run(catalog, rounds: rounds, progress: progress)
        }
        if cload_was_interrupted() { report.wasInterrupted = true }
        let encoded = try report.json()
        if json == "-" {
            print(String(decoding: encoded, as: UTF8.self))
        } else {
            print(report.text(), terminator: "")
        }
        // The one is written when the other cannot be.
        let page = html.map { ($0, Data(HTMLReport(report).page().utf8)) }
        let files = [json == "-" ? nil : json.map { ($0, encoded) }, page].compactMap(\.self)
        var failures: [WriteFailure] = []
        for (path, data) in files {
            switch Result(catching: { () throws(WriteFailure) in try write(data, to: path) }) {
            case .success: if path == html { note("the report is in \(path)") }
            case .failure(let failure): failures.append(failure)
            }
        }
        for failure in failures.dropLast() { note("\(failure)") }
        if let last = failures.last { throw last }
        if report.wasInterrupted == true {
            note("interrupted: that is what was measured until then")
            throw ExitCode(Self.interruptedStatus)
        }
        let shortfall = Shortfall(
            of: plan,
            contenders: plan.entries.isEmpty ? [] : try contenderOptions.named(),
            workloads: try workloads(
                workloadNames.filter { name in !Workload.groups.contains { $0.name == name } }
            ),
            in: report.results
        )
        for line in shortfall.lines { note("no result: \(line)") }
        if !shortfall.lines.isEmpty { throw ExitCode(Self.shortfallStatus) }
    }

    /// As shells call a program that SIGINT ended.
    private static let interruptedStatus: Int32 = 130
    /// Apart from that of any other error.
    private static let shortfallStatus: Int32 = 3

    private var workloadNames: [String] { workloads.split(separator: ",").map(String.init) }

    private var includesMicro: Bool { workloadNames.contains("micro") }

    private func selectedWorkloads() throws -> [Workload] { try workloads(workloadNames) }

    /// What these names mean, with the parameters of the command line.
    private func workloads(_ names: [String]) throws -> [Workload] {
        try Workload.named(names.filter { $0 != "micro" }).map { workload in
            var workload = workload
            workload.connections = connections ?? workload.connections
            workload.messageBytes = messageBytes ?? workload.messageBytes
            workload.depth = depth ?? workload.depth
            workload.rate = rate ?? workload.rate
            return workload
        }.withoutRepeats
    }

    private func selectedContenders() throws -> [Contender] {
        let chosen = try contenderOptions.chosen()
        if let baseline, !chosen.contains(where: { $0.name == baseline }) {
            throw SelectionError(kind: "chosen contender", name: baseline, known: chosen.map(\.name))
        }
        return chosen
    }
}
