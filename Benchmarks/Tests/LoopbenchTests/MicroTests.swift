import ArgumentParser
import Foundation
import Testing

@testable import loopbench

struct MicroTests {
    /// Each works on every loop; how fast is for `loopbench micro` to say. In a process of its own: loops of a group are
    /// pinned, and so is every thread that one of theirs makes the system start.
    @Test func eachRunsOnEveryLoop() throws {
        let tool = try ChildProcess(
            [
                Program.sibling("loopbench"), "micro", "--rounds", "1", "--json", "-", "--loops",
                "proactor,epoll,poll,select", "--callbacks", "1000", "--burst", "10", "--cancelled-timers",
                "100",
                "--standing-timers", "10", "--timers", "100", "--posts", "100", "--trips", "10",
                "--connections", "2",
                "--children", "1", "--operations", "100", "--steps", "10", "--piped-bytes", "1000",
            ],
            cpu: -1,
            announces: true
        )
        let output = tool.readAll(until: .now + .seconds(120)) ?? ""
        _ = tool.stop(by: SIGKILL, within: 1)
        var sizes = MicroSizes()
        sizes.loops = LoopKind.allCases
        (sizes.burst, sizes.standingTimers, sizes.timers) = (10, 10, 100)
        sizes.pipedBytes = 1_000
        let expected = MicroBenchmark.catalog(sizes)
        let found = try Report(json: Data(output.utf8)).micro
        #expect(found.map { [$0.name, $0.loop] } == expected.map { [$0.name, $0.loop] })
        #expect(Set(expected.map { "\($0.name) \($0.loop)" }).count == expected.count)
        for (result, benchmark) in zip(found, expected) {
            let figure = try #require(result.values.first)
            #expect(figure.isFinite && (figure > 0 || benchmark.topic == .allocations), "\(result)")
            #expect(result.bar == .none)
            #expect(!benchmark.measures.isEmpty && !benchmark.ignores.isEmpty)
        }
    }

    @Test func theirSizesAreInTheirNames() throws {
        let options = try MicroOptions.parse([
            "--loops", "select,poll", "--burst", "7", "--standing-timers", "1234",
        ])
        let names = MicroBenchmark.catalog(try options.sizes())
        #expect(Set(names.map(\.loop)).subtracting(Twin.installed.map(\.name)) == ["select", "poll", "-"])
        #expect(names.contains { $0.name == "callSoon, 7 at a time" && $0.bar == .none })
        #expect(names.contains { $0.name == "timer, schedule and cancel, 1,234 standing" })
        #expect(try MicroOptions.parse([]).sizes() == MicroSizes())
        #expect(MicroBenchmark.catalog().contains { $0.bar == .atLeast(20) })
    }

    @Test(arguments: [
        ["--loops", "kqueue"], ["--loops", ","], ["--burst", "0"], ["--children", "-1"],
        ["--operations", "150"], ["--steps", "0"], ["--piped-bytes", "0"],
    ])
    func nonsenseIsRefused(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try Loopbench.parseAsRoot(["micro"] + arguments) }
    }
}
