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
    func summary(of contender: String, _ figure: (Measurement) -> Double) -> Summary {
        Summary(rounds.compactMap { $0[contender] }.map(figure))
    }

    /// A contender's figure over the baseline's, formed round by round.
    func ratio(of contender: String, to baseline: String, _ figure: (Measurement) -> Double) -> Summary {
        Summary(
            rounds.compactMap { round in
                guard let mine = round[contender], let base = round[baseline] else { return nil }
                let divisor = figure(base)
                return divisor == 0 ? nil : figure(mine) / divisor
            }
        )
    }
}
