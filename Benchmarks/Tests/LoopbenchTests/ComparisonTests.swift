import Testing

@testable import loopbench

struct ComparisonTests {
    private func comparison(_ before: [UInt64], _ after: [UInt64], ratios: Bool = false) -> Comparison {
        let results = [before, after].map { values in
            let base: [UInt64] = values.map { _ in 50_000 }
            return Samples.report([Samples.result("echo-64Bx50", [("c-ring", base), ("proactor", values)])])
        }
        return Comparison(results[0], results[1], ratios: ratios)
    }

    private func verdict(_ comparison: Comparison, _ figure: String) throws -> Comparison.Verdict {
        try #require(
            comparison.changes.first { $0.contender == "proactor" && $0.figure.hasPrefix(figure) }
        ).verdict
    }

    @Test func rangesThatOverlapAreNoise() throws {
        let same = comparison(
            [100_000, 101_000, 99_000, 104_000, 98_000],
            [97_000, 98_500, 95_000, 96_000, 94_000]
        )
        #expect(try verdict(same, "requests a second") == .same)
        #expect(same.text(all: false).contains("0 better and 0 worse"))
    }

    @Test func rangesApartAreAChange() throws {
        let slower = comparison(
            [100_000, 101_000, 99_000, 104_000, 98_000],
            [90_000, 91_000, 89_000, 92_000, 88_000]
        )
        #expect(try verdict(slower, "requests a second") == .worse)
        // The same CPU time for fewer requests.
        #expect(try verdict(slower, "server CPU") == .worse)
        #expect(try verdict(slower, "p99 latency") == .same)
        let faster = comparison(
            [90_000, 91_000, 89_000, 92_000, 88_000],
            [100_000, 101_000, 99_000, 104_000, 98_000]
        )
        #expect(try verdict(faster, "requests a second") == .better)
        #expect(
            try verdict(comparison([100, 200, 300], [400, 500, 600], ratios: true), "requests a second")
                == .better
        )
    }

    /// Five rounds each lie in 252 orders, of which two have the runs apart; nobody should wonder at a few among hundreds.
    @Test func chanceIsNamed() throws {
        let rounds: [UInt64] = [100_000, 101_000, 99_000, 104_000, 98_000]
        let same = comparison(rounds, rounds)
        #expect(same.changes.count == 14)
        #expect(same.changes.allSatisfy { abs($0.chance - 2.0 / 252) < 1e-12 })
        #expect(same.text(all: false).contains("chance alone would make up to 0.1 of them"))
        #expect(try #require(comparison([1], [2]).changes.first).chance == 1)
    }

    @Test func smallChangesDoNotCount() throws {
        let apart = comparison([100_000, 100_001, 100_002], [101_000, 101_001, 101_002])
        #expect(try verdict(apart, "requests a second") == .same)
    }

    /// What vanished, or no longer works, is the largest change of all.
    @Test func whatBrokeIsSaid() {
        let rounds: [UInt64] = [100, 101, 102, 103, 104]
        let contenders = ["good", "crashed", "spoilt", "silent", "left out"]
        let before = Samples.report([
            Samples.result("echo-64Bx50", contenders.map { ($0, rounds) }),
            Samples.result("idle-5", [("good", rounds)]),
        ])
        #expect(Comparison(before, before).broken.isEmpty)
        var after = before
        after.results.removeLast()
        for index in 0..<5 {
            after.results[0].rounds[index].measurements.removeAll {
                ["crashed", "left out"].contains($0.contender)
            }
            after.results[0].rounds[index].failures = ["crashed: ended with status 7"]
            for place in after.results[0].rounds[index].measurements.indices {
                switch after.results[0].rounds[index].measurements[place].contender {
                case "spoilt" where index == 3:
                    after.results[0].rounds[index].measurements[place].corruptions = 1
                case "silent": after.results[0].rounds[index].measurements[place].bytes = 0
                default: break
                }
            }
        }
        let comparison = Comparison(before, after)
        #expect(
            comparison.broken
                == ["crashed in echo-64Bx50", "spoilt in echo-64Bx50", "silent in echo-64Bx50"]
        )
        let text = comparison.text(all: false)
        #expect(text.contains("BROKEN in the second run: spoilt in echo-64Bx50\n"))
        #expect(
            text.contains("only the first run has crashed in echo-64Bx50, left out in echo-64Bx50, idle-5\n")
        )
        #expect(!text.contains("only the second run"))
        // What never worked has not broken.
        #expect(Comparison(after, after).broken.isEmpty)
    }

    @Test func whatMakesItWorthLessIsSaid() {
        var one = Samples.report([Samples.result("echo-64Bx50", [("c-ring", [1, 1])])])
        var other = one
        one.rounds = 2
        other.machine.kernel = "7.0"
        other.results[0].rounds[0].measurements[0].stolen = 0.5
        let warnings = Comparison(one, other).warnings.joined(separator: "\n")
        #expect(warnings.contains("different machines"))
        #expect(warnings.contains("fewer than 5 rounds"))
        #expect(warnings.contains("1 of 2 measurements of the second run were contested"))
    }
}
