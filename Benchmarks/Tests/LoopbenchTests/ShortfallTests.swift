import Testing

@testable import loopbench

/// What the status of a run is made of.
struct ShortfallTests {
    private static let limits = Plan.Limits(descriptors: 500, memoryBytes: 256 << 20)

    private static func contender(_ name: String, program: String = "/bin/true") -> Contender {
        Contender(name: name, summary: "", program: program)
    }

    private static func lines(
        _ contenders: [Contender],
        named: Bool,
        _ workloads: [String] = ["echo-64Bx5"],
        namedWorkloads: [String] = [],
        results: [WorkloadResult]
    ) throws -> [String] {
        let plan = Plan(try Workload.named(workloads), contenders, areNamed: named, limits: limits)
        return Shortfall(
            of: plan,
            contenders: named ? contenders : [],
            workloads: try Workload.named(namedWorkloads),
            in: results
        ).lines
    }

    @Test func whoeverHasAResultIsNoShortfall() throws {
        var result = Samples.result("echo-64Bx5", [("a", [100, 100]), ("b", [100, 100])])
        let both = ["a", "b"].map { Self.contender($0) }
        #expect(try Self.lines(both, named: true, namedWorkloads: ["echo-64Bx5"], results: [result]) == [])
        // One round of two is a result, and a note beside it.
        result.rounds[0].measurements.removeLast()
        result.rounds[0].failures = ["b: ended with status 7"]
        #expect(try Self.lines(both, named: true, results: [result]) == [])
    }

    @Test func noResultInAnyRoundIsOne() throws {
        var result = Samples.result("echo-64Bx5", [("fine", [1]), ("still", [0]), ("liar", [1])])
        result.rounds[0].failures = ["dead: ended with status 7"]
        result.rounds[0].measurements[2].corruptions = 1
        let all = ["fine", "still", "liar", "dead"].map { Self.contender($0) }
        let expected = [
            "still in echo-64Bx5: it sent back nothing",
            "liar in echo-64Bx5: it sent back other bytes than it was sent",
            "dead in echo-64Bx5: it failed in every round",
        ]
        // Whether they were named or not: they were there, and began.
        for named in [true, false] {
            #expect(try Self.lines(all, named: named, results: [result]) == expected)
        }
        #expect(
            try Self.lines([all[0]], named: true, results: []) == ["fine in echo-64Bx5: it was not measured"]
        )
    }

    @Test func whatIsNotInstalledCountsWhenItWasNamed() throws {
        let chosen = [Self.contender("a"), Self.contender("absent", program: "/nowhere/at/all")]
        let result = Samples.result("echo-64Bx5", [("a", [1])])
        #expect(try Self.lines(chosen, named: false, results: [result]) == [])
        #expect(try Self.lines(chosen, named: true, results: [result]) == ["absent: it took part in nothing"])
    }

    /// `core` has what not every machine can do; who names a workload wants it.
    @Test func aWorkloadCountsWhenItWasNamed() throws {
        let result = Samples.result("echo-64Bx5", [("a", [1])])
        let workloads = ["echo-64Bx5", "idle-9000"]
        for (names, expected) in [([], []), (["idle-9000"], ["idle-9000: nobody took part in it"])] {
            let found = try Self.lines(
                [Self.contender("a")],
                named: true,
                workloads,
                namedWorkloads: names,
                results: [result]
            )
            #expect(found == expected)
        }
    }

    /// A contender need not be able to do everything.
    @Test func whoTookPartInSomethingIsThere() throws {
        let found = try Self.lines(
            [Self.contender("a")],
            named: true,
            ["echo-64Bx5", "stream-in-64Bx1"],
            results: [Samples.result("echo-64Bx5", [("a", [1])])]
        )
        #expect(found == [])
    }

    @Test func idleConnectionsThatNeverAnsweredAreNoResult() {
        let result = Samples.result("idle-5", [("dead", [0]), ("fine", [5])])
        #expect(result.defect(of: "dead") == "sent back nothing" && result.defect(of: "fine") == nil)
    }
}
