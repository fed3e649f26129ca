import Foundation
import Testing

@testable import loopbench

/// The tool is right about servers whose speed is known.
@Suite(.serialized, .enabled(if: CPUPair.allowedCPUs.count >= 2, "server and load need a CPU each"))
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
        let result = try await onThread { try measure(workload, contenders) }

        #expect(result.rounds.flatMap(\.failures).isEmpty)
        let ranking = result.ranking(by: .throughput)
        #expect(Set(ranking.prefix(2)) == ["c-epoll", "epoll"])
        #expect(ranking.suffix(2) == ["busy-50", "busy-250"])
        #expect(result.ranking(by: .cpu).suffix(2) == ["busy-50", "busy-250"])
        #expect(result.ranking(by: .p50).suffix(2) == ["busy-50", "busy-250"])
        // In processor time and round by round, so that it holds on a machine that has other things to do.
        let base = result.summary(of: "epoll", .cpu).median
        for (name, wasted) in [("busy-50", 50.0), ("busy-250", 250.0)] {
            let found = result.summary(of: name, .cpu).median - base
            #expect(found > wasted * 0.8 && found < wasted * 1.3)
            #expect(result.ratio(of: name, to: "epoll", .throughput).median < 0.7)
        }
    }

    /// Missing peers cost a line each, and nothing else.
    @Test func missingPeersAreSkipped() async throws {
        let outcome = try await onThread {
            try runLoopbench([
                "run", "--workloads", "echo-64Bx1", "--contenders",
                "libuv,uvloop,asio-epoll,asio-uring,c-epoll",
                "--rounds", "1", "--seconds", "0.05", "--json", "-",
            ])
        }
        #expect(outcome.status == 0)
        for name in ["libuv", "uvloop", "asio-epoll", "asio-uring"] {
            let line = outcome.errors.split(separator: "\n").first { $0.hasPrefix("skipped: \(name): ") }
            #expect(line?.contains("make bench-peers") == true)
        }
        let report = try Report(json: Data(outcome.output.utf8))
        #expect(report.results.map(\.contenders) == [["c-epoll"]])
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

    private func runLoopbench(_ arguments: [String]) throws -> Outcome {
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
        // Far less than a pipe holds.
        process.waitUntilExit()
        let (said, complained) = (output.fileHandleForReading, errors.fileHandleForReading)
        return Outcome(
            status: process.terminationStatus,
            output: String(decoding: try said.readToEnd() ?? Data(), as: UTF8.self),
            errors: String(decoding: try complained.readToEnd() ?? Data(), as: UTF8.self)
        )
    }
}
