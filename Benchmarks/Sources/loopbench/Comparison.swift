/// Two runs, figure by figure.
struct Comparison {
    enum Verdict: String {
        case better
        case worse
        case same = ""
    }

    /// One figure of one contender in both runs.
    struct Change {
        var subject: String
        var contender: String
        var figure: String
        var before: Summary
        var after: Summary
        var shown: (Double) -> String
        var verdict: Verdict

        /// The part by which it grew.
        var growth: Double { before.median == 0 ? .nan : after.median / before.median - 1 }

        /// How likely it is that the ranges of as many rounds of the same thing do not touch: all of one run's come first
        /// in 2 of all the orders that they may have.
        var chance: Double {
            var orders = 1.0
            for index in 0..<before.count {
                orders *= Double(before.count + after.count - index) / Double(index + 1)
            }
            return min(2 / orders, 1)
        }
    }

    private(set) var changes: [Change] = []
    /// What makes the comparison worth less.
    private(set) var warnings: [String] = []
    /// Contenders that worked in the first run and do not in the second: they failed, or sent back other bytes.
    private(set) var broken: [String] = []
    private let ratios: Bool
    private let smallest: Double

    /// - Parameters:
    ///   - ratios: compares ratios to the baseline instead of the figures.
    ///   - smallest: the part of a figure below which a change does not count.
    init(_ before: Report, _ after: Report, ratios: Bool = false, smallest: Double = 0.02) {
        self.ratios = ratios
        self.smallest = smallest
        warn(before, after)
        warnMissing(before, after, "first")
        warnMissing(after, before, "second")
        for old in before.results {
            guard let new = after.results.first(where: { $0.workload == old.workload }) else { continue }
            broken += old.contenders.filter { old.works($0) && new.isBroken($0) }.map {
                "\($0) in \(old.workload.name)"
            }
            for contender in old.contenders where new.contenders.contains(contender) {
                compare(contender, old, new, before.baseline, after.baseline)
            }
        }
        for old in before.micro where !ratios {
            guard let new = after.micro.first(where: { $0.name == old.name && $0.loop == old.loop }) else {
                continue
            }
            add(
                old.name,
                old.loop,
                old.unit,
                old.summary,
                new.summary,
                isRate: old.unit.hasSuffix("/s") || old.unit == "×"
            ) { loopbench.shown($0, old.decimals) }
        }
    }

    private mutating func compare(
        _ contender: String,
        _ old: WorkloadResult,
        _ new: WorkloadResult,
        _ oldBaseline: String,
        _ newBaseline: String
    ) {
        let ratios = ratios
        for figure in Figure.all(for: old.workload) {
            let (before, after) =
                ratios
                ? (
                    old.ratio(of: contender, to: oldBaseline, figure),
                    new.ratio(of: contender, to: newBaseline, figure)
                )
                : (old.summary(of: contender, figure), new.summary(of: contender, figure))
            let title = figure.title(for: old.workload)
            add(
                old.workload.name,
                contender,
                ratios ? "\(title.prefix { $0 != "," }), ×" : title,
                before,
                after,
                isRate: figure.isRate
            ) { ratios ? loopbench.shown($0, 3) : figure.shown($0) }
        }
    }

    private mutating func add(
        _ subject: String,
        _ contender: String,
        _ figure: String,
        _ before: Summary,
        _ after: Summary,
        isRate: Bool,
        _ shown: @escaping (Double) -> String
    ) {
        guard before.median.isFinite, after.median.isFinite else { return }
        let isApart = after.lowest > before.highest || after.highest < before.lowest
        let isLarge = abs(after.median - before.median) >= smallest * abs(before.median)
        let hasRisen = after.median > before.median
        changes.append(
            Change(
                subject: subject,
                contender: contender,
                figure: figure,
                before: before,
                after: after,
                shown: shown,
                verdict: !isApart || !isLarge ? .same : hasRisen == isRate ? .better : .worse
            )
        )
    }

    /// What only one of the runs has figures of.
    private mutating func warnMissing(_ report: Report, _ other: Report, _ name: String) {
        let missing = report.results.flatMap { result -> [String] in
            guard let twin = other.results.first(where: { $0.workload == result.workload }) else {
                return [result.workload.name]
            }
            let contenders = result.contenders.filter { !twin.contenders.contains($0) }
            return contenders.map { "\($0) in \(result.workload.name)" }
        }
        guard !missing.isEmpty else { return }
        let rest = missing.count > Self.namedMax ? " and \(missing.count - Self.namedMax) more" : ""
        warnings.append(
            "only the \(name) run has \(missing.prefix(Self.namedMax).joined(separator: ", "))\(rest)"
        )
    }

    private static let namedMax = 8

    private mutating func warn(_ before: Report, _ after: Report) {
        if before.machine != after.machine {
            warnings.append(
                "the runs come from different machines: \(before.machine.line); \(after.machine.line)"
            )
        }
        if before.surroundings.features != after.surroundings.features {
            warnings.append("the ring's features were not the same")
        }
        if before.windowSeconds != after.windowSeconds {
            warnings.append("the windows were not of the same length")
        }
        if ratios, before.baseline != after.baseline {
            warnings.append("the baselines differ: \(before.baseline), \(after.baseline)")
        }
        if min(before.rounds, after.rounds) < 5 {
            warnings.append("fewer than 5 rounds: the noise is not known well")
        }
        for (name, report) in [("first", before), ("second", after)] {
            let measurements = report.results.filter { $0.workload.kind != .idle }.flatMap(\.rounds).flatMap(
                \.measurements
            )
            let contested = measurements.count(where: \.isContested)
            guard contested > 0 else { continue }
            warnings.append(
                "\(contested) of \(measurements.count) measurements of the \(name) run were contested"
            )
        }
    }

    /// - Parameter all: with what did not change.
    func text(all: Bool) -> String {
        var text = warnings.map { "note: \($0)\n" }.joined()
        text += broken.map { "BROKEN in the second run: \($0)\n" }.joined()
        let changed = changes.filter { $0.verdict != .same }
        let listed = all ? changes : changed
        if !listed.isEmpty {
            var table = TextTable(columns: [
                "subject", "contender", "before", "±", "after", "±", "change", "", "figure",
            ])
            for change in listed {
                table.add([
                    change.subject, change.contender,
                    change.shown(change.before.median), percent(change.before.spread),
                    change.shown(change.after.median), percent(change.after.spread),
                    (change.growth > 0 ? "+" : "") + percent(change.growth), change.verdict.rawValue,
                    change.figure,
                ])
            }
            text += (text.isEmpty ? "" : "\n") + table.rendered() + "\n"
        }
        let worse = changed.count(where: { $0.verdict == .worse })
        let byChance = changes.reduce(0) { $0 + $1.chance }
        text += """
            \(changes.count) figures in both runs: \(changed.count - worse) better and \(worse) worse beyond the noise; \
            chance alone would make up to \(shown(byChance, byChance < 9.5 ? 1 : 0)) of them

            """
        return text
    }
}
