import ArgumentParser
import Testing

@testable import loopbench

struct RunOptionsTests {
    @Test func everyParameterCanBeGiven() throws {
        let command = try #require(
            try Loopbench.parseAsRoot([
                "run", "--workloads", "echo-64Bx1,idle-9", "--connections", "3", "--message-bytes", "5",
                "--rounds", "7",
                "--seconds", "0.25", "--contenders", "epoll,c-epoll", "--baseline", "c-epoll",
            ]) as? RunCommand
        )
        #expect(command.rounds == 7)
        #expect(command.seconds == 0.25)
        #expect(command.baseline == "c-epoll")
        #expect(command.connections == 3)
    }

    /// `make bench` gives options of its own first.
    @Test func laterOptionsWin() throws {
        let arguments = [
            "run", "--minutes", "5", "--workloads", "quick", "--minutes", "1", "--workloads", "idle-3",
        ]
        let command = try #require(try Loopbench.parseAsRoot(arguments) as? RunCommand)
        #expect(command.minutes == 1 && command.workloads == "idle-3")
    }

    @Test(arguments: [
        ["run", "--workloads", "nothing"], ["run", "--contenders", "nobody"], ["run", "--rounds", "0"],
        ["run", "--seconds", "0"], ["run", "--minutes", "0"], ["run", "--rounds", "9223372036854775807"],
        ["run", "--seconds", "inf"], ["run", "--seconds", "nan"], ["run", "--seconds", "1e300"],
        ["run", "--warm-up", "inf"], ["run", "--warm-up=-1"], ["run", "--minutes", "inf"],
        ["run", "--contenders", "epoll", "--baseline", "poll"],
        ["run", "--workloads", "churn-64Bx5", "--rate", "100"],
        ["run", "--workloads", "idle-5", "--depth", "2"],
        ["run", "--workloads", "echo-64Bx1", "--connections", "0"],
    ])
    func nonsenseIsRefused(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try Loopbench.parseAsRoot(arguments) }
    }

    @Test func oneCPUIsNoComparison() {
        #expect(throws: CPUPair.Refusal.self) { try CPUPair.choose(allowed: [4], siblings: { _ in [] }) }
        // Nor are two that a container may use half of the time.
        #expect(throws: CPUPair.Refusal.self) { try CPUPair.choose(allowed: [0, 1], quota: 1) }
        #expect(throws: Never.self) { try CPUPair.choose(allowed: [0, 1], quota: 1.5) }
        #expect(throws: CPUPair.Refusal.self) {
            try CPUPair.choose(server: 1, load: 1, allowed: [0, 1], siblings: { _ in [] })
        }
        #expect(throws: CPUPair.Refusal.self) {
            try CPUPair.choose(server: 7, allowed: [0, 1], siblings: { _ in [] })
        }
    }

    /// The whole tool, started as `taskset` would start it.
    @Test func onOneCPUTheToolRefuses() throws {
        let cpu = try #require(CPUPair.allowedCPUs.first)
        let words = [
            Program.sibling("loopbench"), "run", "--workloads", "echo-64Bx1", "--contenders", "c-epoll",
        ]
        let tool = try ChildProcess(words, cpu: cpu, announces: true)
        #expect(tool.readAll(until: .now + .seconds(60)) == "")
        let end = tool.stop(by: 0, within: 60)
        #expect(tool.lastWords.contains("Refusing to compare: this process may use one CPU only"))
        guard case .status(1) = end else {
            Issue.record("it ended otherwise: \(end)")
            return
        }
    }

    @Test func anotherCoreIsPreferred() throws {
        let siblings: (Int) -> Set<Int> = { $0 < 4 ? [2, 3] : [4, 5] }
        func choose(load: Int? = nil, allowed: [Int]) throws -> CPUPair {
            try CPUPair.choose(
                load: load,
                allowed: allowed,
                quota: nil,
                siblings: siblings,
                capacity: { _ in nil }
            )
        }
        let free = try choose(allowed: [2, 3, 4])
        #expect(free == CPUPair(server: 2, load: 4, sharesCore: false))
        let cramped = try choose(allowed: [2, 3])
        #expect(cramped == CPUPair(server: 2, load: 3, sharesCore: true))
        let asked = try choose(load: 2, allowed: [2, 3, 4])
        #expect(asked == CPUPair(server: 3, load: 2, sharesCore: true))
    }

    /// Processors with two kinds of cores: slow ones come first here, 4 and 5 are threads of one core.
    @Test func coresOfTheFastKindArePreferred() throws {
        let speeds = [0: 400.0, 1: 400, 4: 1_024, 5: 1_024, 6: 980]
        func choose(server: Int? = nil, allowed: [Int]) throws -> CPUPair {
            try CPUPair.choose(
                server: server,
                allowed: allowed,
                quota: nil,
                siblings: { [4, 5].contains($0) ? [4, 5] : [$0] },
                capacity: { speeds[$0] }
            )
        }
        #expect(try choose(allowed: [0, 1, 4, 5, 6]) == CPUPair(server: 4, load: 6, sharesCore: false))
        #expect(try choose(allowed: [0, 1]) == CPUPair(server: 0, load: 1, sharesCore: false))
        // Another core comes before one of the same kind, and the report says so.
        let uneven = CPUPair(server: 4, load: 0, sharesCore: false, isUneven: true)
        #expect(try choose(allowed: [0, 4, 5]) == uneven)
        #expect(try choose(server: 0, allowed: [0, 1, 6]).isUneven == true)
        // One that nothing is known of may be as fast as any.
        #expect(try choose(allowed: [0, 4, 9]) == CPUPair(server: 0, load: 4, sharesCore: false))
        var report = Samples.report([])
        report.cpus = uneven
        #expect(report.methodLine.contains("cores of different speed"))
    }

    @Test func planLeavesOutWhatCannotBe() throws {
        var short = Contender(name: "short", summary: "", program: "/bin/true")
        short.connectionsMax = 10
        var waiting = Contender(name: "waiting", summary: "", program: "/bin/true")
        waiting.isAsync = true
        let absent = Contender(name: "absent", summary: "", program: "/nowhere/at/all")
        let workloads = try Workload.named([
            "echo-64Bx5", "echo-64Bx50", "stream-in-64Bx1", "echo-64Bx900", "echo-1MiBx100",
        ])
        let limits = Plan.Limits(descriptors: 500, memoryBytes: 256 << 20)
        let plan = Plan(workloads, [short, waiting, absent], areNamed: false, limits: limits)
        #expect(plan.entries.map(\.workload.name) == ["echo-64Bx5", "echo-64Bx50"])
        #expect(plan.entries.map { $0.contenders.map(\.name) } == [["short"], ["waiting"]])
        let skipped = plan.skipped.joined(separator: "\n")
        for part in [
            "absent: ", "short in echo-64Bx50: ", "echo-64Bx900: ", "echo-1MiBx100: ", "stream-in-64Bx1: ",
        ] {
            #expect(skipped.contains(part))
        }
        let named = Plan(workloads, [waiting], areNamed: true, limits: limits)
        #expect(named.entries.map(\.workload.name) == ["echo-64Bx5", "echo-64Bx50"])
        #expect(named.measurementCount(rounds: 5) == 10)
        for minutes in [1.0, 3] {
            let window = named.windowSeconds(for: minutes, rounds: 5)
            let warmUp = Plan.warmUpSeconds(for: window)
            #expect(
                abs(named.seconds(window: window, warmUp: warmUp, rounds: 5) - minutes * 60) < 0.01
                    || window > 9.99
            )
        }
        #expect(named.windowSeconds(for: 0.001, rounds: 5) == 0.2)
        #expect(named.text == "echo-64Bx5: waiting\necho-64Bx50: waiting\n")
    }

    @Test func aBarFitsTheTerminal() {
        for columns in [1, 20, 79, 200] {
            var written: [String] = []
            let bar = Progress(
                total: 4,
                isTerminal: true,
                write: { written.append($0) },
                columns: { columns }
            )
            bar.begin("unix-pipelined-64Bx10x32, round 1 of 5", "swift-nio-offload")
            bar.begin("unix-pipelined-64Bx10x32, round 2 of 5", "swift-nio-offload")
            let lines = written.map { $0.replacing("\r\u{1B}[K", with: "") }
            #expect(lines.allSatisfy { (1..<max(columns, 2)).contains($0.count) }, "\(lines)")
            #expect(columns < 200 || lines[1].hasSuffix("round 2 of 5: swift-nio-offload"))
        }
    }

    @Test func progressIsLinesOrABar() {
        var lines = ""
        let plain = Progress(total: 4, isTerminal: false) { lines += $0 }
        for contender in ["a", "b"] { plain.begin("round 1", contender) }
        for contender in ["a", "b"] { plain.begin("round 2", contender) }
        plain.end()
        #expect(lines == "  0 % round 1\n 50 % round 2\n")
        var written = ""
        let bar = Progress(total: 4, isTerminal: true, write: { written += $0 }, columns: { 120 })
        bar.begin("round 1", "a")
        bar.begin("round 1", "b")
        bar.end()
        #expect(written.contains("██████░") && written.contains(" 25 %") && written.contains("round 1: b"))
        #expect(!written.contains("\n") && written.hasSuffix("\u{1B}[K"))
    }
}
