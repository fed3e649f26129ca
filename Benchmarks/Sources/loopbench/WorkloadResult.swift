/// All rounds of one workload.
struct WorkloadResult: Sendable, Codable {
    var workload: Workload
    var rounds: [Round]

    /// The contenders that were measured at least once, in the order of their turns.
    var contenders: [String] {
        var names: [String] = []
        for measurement in rounds.flatMap(\.measurements) where !names.contains(measurement.contender) {
            names.append(measurement.contender)
        }
        return names
    }

    /// One figure of a contender over the rounds.
    func summary(of contender: String, _ figure: Figure) -> Summary {
        Summary(rounds.compactMap { $0[contender] }.map { figure.value(of: $0, in: workload) })
    }

    /// The contender that ratios are formed to: where the wanted one was not measured, the first that was.
    func baseline(_ wanted: String) -> String {
        let contenders = contenders
        return contenders.contains(wanted) ? wanted : contenders.first ?? wanted
    }

    /// A contender's figure over the baseline's, formed round by round.
    func ratio(of contender: String, to wanted: String, _ figure: Figure) -> Summary {
        let baseline = baseline(wanted)
        return Summary(
            rounds.compactMap { round in
                guard let mine = round[contender], let base = round[baseline] else { return nil }
                let divisor = figure.value(of: base, in: workload)
                return divisor > 0 ? figure.value(of: mine, in: workload) / divisor : nil
            }
        )
    }

    /// The contenders, the best first. Those without a value come last.
    func ranking(by figure: Figure) -> [String] {
        let medians = contenders.map { (name: $0, median: summary(of: $0, figure).median) }
        return medians.enumerated().sorted { first, second in
            let (a, b) = (first.element.median, second.element.median)
            if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? first.offset < second.offset : b.isNaN }
            if a == b { return first.offset < second.offset }
            return figure.isRate ? a > b : a < b
        }.map(\.element.name)
    }

    /// The rounds in which its server did not start, died, or would not end.
    func failedRounds(of contender: String) -> Int {
        rounds.count { round in round.failures.contains { $0.hasPrefix("\(contender): ") } }
    }

    /// It was measured, and every byte was right.
    func works(_ contender: String) -> Bool {
        contenders.contains(contender) && !isBroken(contender)
    }

    /// It has no result that is worth anything.
    func isBroken(_ contender: String) -> Bool { defect(of: contender) != nil }

    /// Why a contender has no result that is worth anything, as a verb and what belongs to it, or nil.
    func defect(of contender: String) -> String? {
        let measurements = rounds.compactMap { $0[contender] }
        if measurements.isEmpty { return failedRounds(of: contender) > 0 ? "failed in every round" : nil }
        if measurements.contains(where: { $0.corruptions > 0 }) {
            return "sent back other bytes than it was sent"
        }
        // Of a flood, bytes are what went in.
        let countsAnswers = workload.kind == .idle || workload.kind == .flood
        let isStill = measurements.allSatisfy { (countsAnswers ? $0.requests : $0.bytes) == 0 }
        return isStill ? "sent back nothing" : nil
    }

    /// What a reader must know before believing a contender's figures.
    func notes(on contender: String) -> [String] {
        let measurements = rounds.compactMap { $0[contender] }
        var notes: [String] = []
        let contested = measurements.count(where: \.isContested)
        if contested > 0, workload.kind != .idle {
            notes.append("contested: \(contested) of \(measurements.count) rounds")
        }
        let failed = failedRounds(of: contender)
        if failed > 0 { notes.append("failed in \(failed) of \(rounds.count) rounds") }
        // The kernel's part alone costs more. Somebody else than the process that was started has served.
        if workload.hasLatency, summary(of: contender, .cpu).median < 0.01 {
            notes.append("used no CPU time: did a process serve that is none of its children?")
        }
        let scheduled = measurements.reduce(0) { $0 + $1.scheduled }
        let answered = measurements.reduce(0) { $0 + $1.requests }
        if scheduled > 0, Double(answered) < 0.99 * Double(scheduled) {
            notes.append("kept up with \(shown(Double(answered) / Double(scheduled) * 100, 0)) % of the rate")
        }
        let errors = measurements.reduce(0) { $0 + $1.errors }
        if errors > 0 { notes.append("\(errors) errors") }
        let resent = measurements.reduce(0) { $0 + ($1.resent ?? 0) }
        if resent > 0 { notes.append("\(resent) datagrams sent again") }
        let corruptions = measurements.reduce(0) { $0 + $1.corruptions }
        if corruptions > 0 { notes.append("CORRUPT DATA on \(corruptions) connections") }
        if summary(of: contender, .throughput).median == 0, workload.kind != .idle {
            // Many large messages take their time, all of them together.
            let moves = measurements.contains { $0.bytes > 0 }
            notes.append(moves ? "nothing came back whole: the window is too short" : "stood still")
        }
        return notes
    }
}
