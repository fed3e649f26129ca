import Foundation

/// A whole run: what was measured, where, and how.
struct Report: Sendable, Codable {
    /// Of the JSON; a change that readers have to know of raises it.
    static let currentFormat = 1

    var format = currentFormat
    var date: Date
    var machine: Machine
    var surroundings: Surroundings
    /// Where server and load were pinned; nil for a run of micro-benchmarks alone.
    var cpus: CPUPair?
    var baseline: String
    var rounds: Int
    var windowSeconds: Double
    var warmUpSeconds: Double
    var results: [WorkloadResult] = []
    var micro: [MicroResult] = []
    /// Contenders and workloads that were asked for and could not be had, and why.
    var skipped: [String] = []
    /// A signal ended the run before everything was measured.
    var wasInterrupted: Bool?
    /// Put together from runs that had another number of rounds, or windows of another length.
    var hasOtherWindows: Bool?
    /// Put together from runs on these machines, too.
    var otherMachines: [String]?

    /// As JSON, for scripts and for comparing runs.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(self)
    }

    init(json: Data) throws {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let format = try decoder.decode(Header.self, from: json).format
        guard format == Self.currentFormat else { throw OtherFormat(format: format) }
        self = try decoder.decode(Report.self, from: json)
    }

    /// What is the same in every format.
    private struct Header: Decodable {
        var format: Int
    }

    private struct OtherFormat: Error, CustomStringConvertible {
        var format: Int

        var description: String {
            "it has format \(format), and this version of loopbench reads format \(Report.currentFormat)"
        }
    }

    init(
        date: Date,
        machine: Machine,
        surroundings: Surroundings,
        cpus: CPUPair?,
        baseline: String,
        rounds: Int,
        windowSeconds: Double,
        warmUpSeconds: Double
    ) {
        self.date = date
        self.machine = machine
        self.surroundings = surroundings
        self.cpus = cpus
        self.baseline = baseline
        self.rounds = rounds
        self.windowSeconds = windowSeconds
        self.warmUpSeconds = warmUpSeconds
    }

    /// The report in a file.
    static func read(_ path: String) throws(ReadFailure) -> Report {
        guard path == "-" || FileManager.default.isReadableFile(atPath: path) else {
            throw ReadFailure(path: path, cause: "there is no such file that can be read")
        }
        do {
            let data =
                path == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : try Data(contentsOf: URL(filePath: path))
            return try Report(json: data)
        } catch {
            throw ReadFailure(path: path, cause: "\(error)")
        }
    }

    /// Several runs on one machine, shown as one: a workload that is in more than one comes from the last.
    mutating func merge(_ other: Report) {
        if results.isEmpty, !other.results.isEmpty {
            (baseline, rounds, cpus) = (other.baseline, other.rounds, other.cpus)
            (windowSeconds, warmUpSeconds) = (other.windowSeconds, other.warmUpSeconds)
        } else if !other.results.isEmpty, rounds != other.rounds || windowSeconds != other.windowSeconds {
            hasOtherWindows = true
        }
        let others = [other.machine.line].filter { $0 != machine.line } + (other.otherMachines ?? [])
        if !others.isEmpty { otherMachines = ((otherMachines ?? []) + others).withoutRepeats }
        for result in other.results {
            results.removeAll { $0.workload == result.workload }
            results.append(result)
        }
        for result in other.micro {
            micro.removeAll { $0.name == result.name && $0.loop == result.loop }
            micro.append(result)
        }
        skipped = (skipped + other.skipped).withoutRepeats
        wasInterrupted = wasInterrupted == true || other.wasInterrupted == true ? true : nil
        cpus = cpus ?? other.cpus
        surroundings.versions.merge(other.surroundings.versions) { _, last in last }
    }

    struct ReadFailure: Error, CustomStringConvertible {
        var path: String
        var cause: String

        var description: String { "\(path) is not a result of 'loopbench run --json': \(cause)" }
    }

    /// Every contender, in the order of its first turn.
    var contenders: [String] { results.flatMap(\.contenders).withoutRepeats }

    /// Servers that did not start, died, or would not end.
    var failures: [String] {
        results.flatMap { result in
            result.rounds.flatMap { round in
                round.failures.map { "\(result.workload.name), round \(round.index): \($0)" }
            }
        }
    }

    /// What ratios are formed to, in words.
    var baselineLine: String {
        let others = results.filter { $0.baseline(baseline) != baseline }
        guard !others.isEmpty else { return "ratios are to \(baseline), round by round" }
        let names = others.map { "\($0.baseline(baseline)) in \($0.workload.name)" }
        return "ratios are to \(baseline) (\(names.joined(separator: ", "))), round by round"
    }

    /// How often ratios lie on one side of 1 by chance, when there is no difference.
    var chanceLine: String {
        guard (2...20).contains(rounds) else { return "" }
        return
            " With \(rounds) rounds, chance alone does that to one in \(shown(Double(1 << (rounds - 1)), 0))."
    }

    /// How the figures came about, for whoever reads them.
    var methodLine: String {
        let loops = Set(
            results.map { $0.workload.rate == nil ? "closed loop" : "open loop where a rate is named" }
        )
        var line = "medians of \(rounds) \(rounds == 1 ? "round" : "rounds")"
        if !results.isEmpty { line += " of \(shown(windowSeconds, windowSeconds < 1 ? 2 : 1)) s" }
        line += ", ± half the range"
        if !loops.isEmpty { line += "; " + loops.sorted().joined(separator: ", ") }
        if wasInterrupted == true { line += "; interrupted, so that the last of it has fewer rounds" }
        if hasOtherWindows == true { line += "; some of it from runs with other rounds or windows" }
        if let otherMachines {
            line += "; SOME OF IT FROM OTHER MACHINES: \(otherMachines.joined(separator: "; "))"
        }
        if rounds < 5 { line += "; fewer than 5 rounds: the spread says little" }
        if cpus?.sharesCore == true { line += "; server and load share a core, and slow each other down" }
        if cpus?.isUneven == true { line += "; server and load run on cores of different speed" }
        if let quota = machine.cpuQuota {
            line +=
                "; a control group allows the time of \(shown(quota, 1)) CPUs, and rounds that it cut short are contested"
        }
        for spot in machine.blindSpots ?? [] { line += "; \(spot)" }
        if machine.accountsInterruptsApart {
            line += "; this kernel leaves the network's interrupts out of the CPU time"
        }
        return line
    }
}
