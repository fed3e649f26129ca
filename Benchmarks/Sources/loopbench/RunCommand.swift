import ArgumentParser
import Foundation

/// `loopbench run`: measures and prints a table.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measures contenders side by side and prints a table."
    )

    @Option(help: "Workloads, separated by commas; 'core' and 'all' stand for several. See 'loopbench list'.")
    var workloads = "core"

    @Option(help: "Contenders, separated by commas, in the order of their turns. (default: all that can run)")
    var contenders: String?

    @Option(help: "The contender that ratios are formed to. (default: the first)")
    var baseline: String?

    @Option(help: "How often each contender gets its turn.")
    var rounds = 5

    @Option(help: "Length of a measured window, in seconds.")
    var seconds = 2.0

    @Option(help: "How long the traffic runs before the window, in seconds.")
    var warmUp = 0.5

    @Option(help: "The CPU that servers are pinned to.")
    var serverCPU = 0

    @Option(help: "The CPU that the load comes from.")
    var loadCPU = 1

    @Option(help: "Another number of connections than the workload's own.")
    var connections: Int?

    @Option(help: "Another message size than the workload's own, in bytes.")
    var messageBytes: Int?

    @Option(
        help: "Writes everything that was measured to this file as JSON; '-' prints it instead of the table."
    )
    var json: String?

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds must be 1 or more.") }
        guard seconds > 0 else { throw ValidationError("--seconds must be more than 0.") }
        guard warmUp >= 0 else { throw ValidationError("--warm-up must not be negative.") }
        guard connections ?? 1 >= 1, connections ?? 1 <= 1_000_000 else {
            throw ValidationError("--connections must lie between 1 and 1,000,000.")
        }
        guard messageBytes ?? 1 >= 1, messageBytes ?? 1 <= 1 << 30 else {
            throw ValidationError("--message-bytes must lie between 1 and 1 GiB.")
        }
        do {
            _ = try selectedWorkloads()
            _ = try selectedContenders()
        } catch let error as SelectionError {
            throw ValidationError(error.description)
        }
    }

    func run() throws {
        let chosen = try selectedContenders()
        for contender in chosen {
            if let missing = contender.missing { note("skipped: \(contender.name): \(missing)") }
        }
        let available = chosen.filter { $0.missing == nil }
        guard let first = available.first else { throw ValidationError("No contender can run here.") }
        let runner = Runner(
            rounds: rounds,
            serverCPU: serverCPU,
            loadCPU: loadCPU,
            generator: LoadGenerator(warmUpSeconds: warmUp, windowSeconds: seconds),
            progress: showProgress
        )
        let report = Report(
            date: Date(),
            machine: .current,
            baseline: baseline ?? first.name,
            rounds: rounds,
            windowSeconds: seconds,
            results: try runner.run(try selectedWorkloads(), available)
        )
        if json == "-" {
            print(String(decoding: try report.json(), as: UTF8.self))
            return
        }
        print(report.text(), terminator: "")
        if let json { try report.json().write(to: URL(filePath: json)) }
    }

    private func selectedWorkloads() throws -> [Workload] {
        try Workload.named(workloads.split(separator: ",").map(String.init)).map { workload in
            var workload = workload
            workload.connections = connections ?? workload.connections
            workload.messageBytes = messageBytes ?? workload.messageBytes
            return workload
        }
    }

    private func selectedContenders() throws -> [Contender] {
        guard let contenders else { return Contender.catalog.filter { $0.missing == nil } }
        let chosen = try Contender.named(contenders.split(separator: ",").map(String.init))
        if let baseline, !chosen.contains(where: { $0.name == baseline }) {
            throw SelectionError(kind: "chosen contender", name: baseline, known: chosen.map(\.name))
        }
        return chosen
    }
}

/// One line that is written over on a terminal; lines elsewhere.
private func showProgress(_ step: String?) {
    if isatty(STDERR_FILENO) == 1 {
        FileHandle.standardError.write(Data("\r\u{1B}[K\(step ?? "")".utf8))
    } else if let step {
        note(step)
    }
}

private func note(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
