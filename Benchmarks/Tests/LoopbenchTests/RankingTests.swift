import Foundation
import Testing

@testable import loopbench

/// The tool is right about servers whose speed is known.
@Suite(.serialized, .enabled(if: (try? CPUPair.choose()) != nil, "server and load need a CPU each"))
struct RankingTests {
    /// Two servers that are slower by a known amount stand behind the others, in their order, and the processor time that
    /// they were made to waste is what the tool finds.
    @Test func slowedServersStandWhereTheyBelong() async throws {
        let program = Program.sibling("loopbench")
        let slowed = try [50, 250].map { microseconds in
            try ContenderArgument(
                "busy-\(microseconds)=\(program) serve echo --loop epoll --busy-microseconds \(microseconds) --port {port}"
            )
        }
        let contenders =
            try Contender.named(["c-epoll", "epoll"])
            + slowed.reversed().map { argument in
                Contender(name: argument.name, summary: "", program: program, templates: [argument.template])
            }
        let workload = Workload(.echo, connections: 4, messageBytes: 64)
        var result = try await onThread { try measure(workload, contenders) }
        for _ in 0..<3 where result.isContested {
            result = try await onThread { try measure(workload, contenders) }
        }

        #expect(result.rounds.flatMap(\.failures).isEmpty)
        // Processor time ranks them on a machine that has other things to do, too.
        #expect(Set(result.ranking(by: .cpu).prefix(2)) == ["c-epoll", "epoll"])
        #expect(result.ranking(by: .cpu).suffix(2) == ["busy-50", "busy-250"])
        // How much it was, how fast and how soon, is others' too there, which the tool is to notice.
        guard !result.isContested else { return }
        let base = result.summary(of: "epoll", .cpu).median
        for (name, wasted) in [("busy-50", 50.0), ("busy-250", 250.0)] {
            let found = result.summary(of: name, .cpu).median - base
            // The quick server takes several messages in one turn, the busy one a turn for each.
            #expect(found > wasted * 0.9 && found < wasted * 1.1 + base * 4)
        }
        let ranking = result.ranking(by: .throughput)
        #expect(Set(ranking.prefix(2)) == ["c-epoll", "epoll"])
        #expect(ranking.suffix(2) == ["busy-50", "busy-250"])
        #expect(result.ranking(by: .p50).suffix(2) == ["busy-50", "busy-250"])
        for name in ["busy-50", "busy-250"] {
            #expect(result.ratio(of: name, to: "epoll", .throughput).median < 0.7)
        }
    }

    /// The server looks at where it may run, and where those threads may that started it.
    @Test func serverAndLoadArePinnedApart() async throws {
        let file = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-test-\(UUID().uuidString)"
        )
        defer { try? FileManager.default.removeItem(at: file) }
        let look = "grep -h Cpus_allowed_list /proc/self/status /proc/$PPID/task/*/status > \(file.path)"
        let serve = "exec \(Program.sibling("c-epoll-echo")) --port $0"
        let template = try ContenderArgument("mine=sh -c '\(look); \(serve)' {port}").template
        let contender = Contender(name: "mine", summary: "", program: "", templates: [template])
        let cpus = try await onThread {
            _ = try measure(Workload(.echo, connections: 1, messageBytes: 64), [contender])
            return try CPUPair.choose()
        }
        let places = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: "\t").last.map(String.init) ?? ""
        }
        #expect(places.first == "\(cpus.server)")
        #expect(places.dropFirst().contains("\(cpus.load)"))
    }

    /// Missing peers cost a line each, and the status says it of those that were named.
    @Test func missingPeersAreSkipped() async throws {
        let outcome = try await onThread {
            try runLoopbench([
                "run", "--workloads", "echo-64Bx1", "--contenders",
                "libuv,uvloop,asio-epoll,asio-uring,c-epoll",
                "--rounds", "1", "--seconds", "0.05", "--json", "-",
            ])
        }
        #expect(outcome.status == 3)
        for name in ["libuv", "uvloop", "asio-epoll", "asio-uring"] {
            let line = outcome.errors.split(separator: "\n").first { $0.hasPrefix("skipped: \(name): ") }
            #expect(line?.contains("make bench-peers") == true)
            #expect(outcome.errors.contains("no result: \(name): it took part in nothing\n"))
        }
        let report = try Report(json: Data(outcome.output.utf8))
        #expect(report.results.map(\.contenders) == [["c-epoll"]])
    }

    /// It starts once, for the rehearsal, and never again. The others' results are there all the same, and the status
    /// says that his are not.
    @Test func whoFailsInEveryRoundShowsInTheStatus() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-test-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (mark, page) = (folder.appending(path: "mark").path, folder.appending(path: "page.html").path)
        let serve = "exec \(Program.sibling("c-epoll-echo")) --port $0"
        let script = "if [ -e \(mark) ]; then echo worn out >&2; exit 7; fi; : > \(mark); \(serve)"
        let outcome = try await onThread {
            try runLoopbench([
                "run", "--workloads", "echo-64Bx1", "--contenders", "c-epoll", "--rounds", "2", "--seconds",
                "0.05", "--json", "-", "--html", page, "--contender", "mine=sh -c '\(script)' {port}",
            ])
        }
        #expect(outcome.status == 3)
        #expect(outcome.errors.hasSuffix("no result: mine in echo-64Bx1: it failed in every round\n"))
        let report = try Report(json: Data(outcome.output.utf8))
        #expect(report.results.map(\.contenders) == [["c-epoll"]])
        #expect(report.failures.count == 2 && report.failures.allSatisfy { $0.contains("worn out") })
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("worn out"))
    }

    @Test func aRunOfNobodyIsNoSuccess() async throws {
        let outcome = try await onThread {
            try runLoopbench(["run", "--workloads", "echo-64Bx1", "--contenders", "libuv"])
        }
        #expect(outcome.status == 3 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("None of the contenders can run these workloads here."))
    }

    /// The process that was started waits, and its child serves.
    @Test func childrenThatServeAreCounted() async throws {
        let script = "\(Program.sibling("c-epoll-echo")) --port $0 & wait"
        let template = try ContenderArgument("mine=sh -c '\(script)' {port}").template
        let contender = Contender(name: "mine", summary: "", program: "", templates: [template])
        let result = try await onThread {
            try measure(Workload(.echo, connections: 1, messageBytes: 64), [contender])
        }
        #expect(result.rounds.flatMap(\.failures).isEmpty)
        // The kernel's part of an echo is more than that anywhere.
        #expect(result.summary(of: "mine", .cpu).median > 0.1)
    }

    /// A run that is about a server which does not work is no run.
    @Test func aServerThatDoesNotListenEndsTheRun() async throws {
        let outcome = try await onThread {
            try runLoopbench([
                "run", "--workloads", "echo-64Bx1", "--contenders", "c-epoll", "--rounds", "1", "--seconds",
                "0.05",
                "--contender", "mine=sh -c 'echo no licence >&2; exit 9' {port}",
            ])
        }
        #expect(outcome.status == 1)
        for part in ["'mine' does not work", "ended with status 9", "no licence"] {
            #expect(outcome.errors.contains(part))
        }
    }

    /// Ctrl-C ends a run with what it has measured, and nobody stays behind.
    @Test func aRunThatIsInterruptedSaysWhatItMeasured() async throws {
        let file = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-test-\(UUID().uuidString)"
        )
        defer { try? FileManager.default.removeItem(at: file) }
        let server = "echo $$ >> \(file.path); exec \(Program.sibling("c-epoll-echo")) --port $0"
        let outcome = try await onThread {
            try runLoopbench(
                [
                    "run", "--workloads", "echo-64Bx1,churn-64Bx1", "--contenders", "c-epoll", "--rounds",
                    "500",
                    "--seconds", "0.05", "--json", "-", "--contender", "mine=sh -c '\(server)' {port}",
                ],
                interruptedAfter: "round 3 "
            )
        }
        #expect(outcome.status == 130)
        #expect(outcome.errors.contains("interrupted"))
        let report = try Report(json: Data(outcome.output.utf8))
        #expect(report.wasInterrupted == true)
        #expect(report.results.map(\.workload.name) == ["echo-64Bx1"])
        #expect((2...100).contains(report.results[0].rounds.count) && report.failures.isEmpty)
        let left = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap {
            Int32($0)
        }
        #expect(left.count >= 3)
        // Another process may have got the number of one that is gone.
        #expect(!left.contains { commandLine(of: $0).contains("c-epoll-echo") })
    }

    /// What comes after the measurements may use every CPU again, as the micro-benchmarks of two loops have to.
    @Test func theLoadLeavesItsCPU() async throws {
        let workload = Workload(.echo, connections: 1, messageBytes: 64)
        let cpus = try await onThread {
            let before = CPUPair.allowedCPUs
            _ = try measure(workload, try Contender.named(["c-epoll"]))
            return [before, CPUPair.allowedCPUs]
        }
        #expect(cpus[0] == cpus[1])
    }

    @Test func aRehearsalOnPaperMeasuresNothing() async throws {
        let outcome = try await onThread {
            try runLoopbench([
                "run", "--workloads", "echo-64Bx1,idle-5", "--contenders", "c-epoll,epoll", "--dry-run",
                "--rounds", "7",
            ])
        }
        #expect(outcome.status == 0)
        #expect(outcome.output == "echo-64Bx1: c-epoll, epoll\nidle-5: c-epoll, epoll\n")
        #expect(outcome.errors.contains("28 measurements of 2.00 s: about "))
    }

    @Test func versionsAreThoseOfWhatRuns() throws {
        let surroundings = Surroundings.current(with: try Contender.named(["swift-nio", "asyncio"]))
        #expect(surroundings.versions["swift-nio"]?.hasPrefix("2.") == true)
        #expect(surroundings.versions["Swift"]?.contains("6.") == true)
        guard Program.find("python3") != nil else { return }
        #expect(surroundings.versions["asyncio"]?.hasPrefix("CPython 3.") == true)
    }

    private func commandLine(of process: Int32) -> String {
        (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
    }

    private func measure(_ workload: Workload, _ contenders: [Contender]) throws -> WorkloadResult {
        let cpus = try CPUPair.choose()
        var plan = Plan([workload], contenders, areNamed: true)
        try plan.rehearse(contenders, cpus, startSeconds: 10)
        #expect(plan.skipped.isEmpty)
        let runner = Runner(
            rounds: 3,
            cpus: cpus,
            generator: LoadGenerator(warmUpSeconds: 0.05, windowSeconds: 0.2, cpus: cpus),
            progress: Progress(total: 12, isTerminal: false) { _ in }
        )
        return try runner.run(plan)[0]
    }

    /// The thread that drives a load is pinned and ends; one of the test runner's must not stay so.
    private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
        }
    }

    private struct Outcome: Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    /// - Parameter interruptedAfter: what it has to write to standard error before it gets a SIGTERM.
    private func runLoopbench(_ arguments: [String], interruptedAfter: String? = nil) throws -> Outcome {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: Program.sibling("loopbench"))
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["LOOPBENCH_PEERS": "/nowhere/at/all"],
            uniquingKeysWith: { $1 }
        )
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // One that hangs ends in a failure of its test, which reads its output to the end.
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(180)) { [process] in
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
        let (said, complained) = (output.fileHandleForReading, errors.fileHandleForReading)
        var complaints = ""
        if let interruptedAfter {
            while !complaints.contains(interruptedAfter) {
                let piece = complained.availableData
                guard !piece.isEmpty else { break }
                complaints += String(decoding: piece, as: UTF8.self)
            }
            // Not SIGINT: whoever runs the tests in the background has it ignored.
            kill(process.processIdentifier, SIGTERM)
        }
        // Standard error is far less than a pipe holds.
        let result = String(decoding: try said.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        complaints += String(decoding: try complained.readToEnd() ?? Data(), as: UTF8.self)
        return Outcome(status: process.terminationStatus, output: result, errors: complaints)
    }
}

extension WorkloadResult {
    /// Something else used the same processors during one of the rounds or more.
    fileprivate var isContested: Bool { rounds.flatMap(\.measurements).contains(where: \.isContested) }
}
