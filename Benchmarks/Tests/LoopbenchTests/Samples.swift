import Foundation

@testable import loopbench

/// Made-up results, round by round.
enum Samples {
    static let machine = Machine(
        kernel: "6.18.0",
        processor: "a <processor> & more",
        processorCount: 2,
        memoryBytes: 8 << 30,
        congestionControl: "cubic",
        accountsInterruptsApart: false
    )

    static func measurement(
        _ contender: String,
        round: Int = 1,
        requests: UInt64 = 100_000,
        cpuNanoseconds: UInt64 = 500_000_000,
        p99Nanoseconds: UInt64 = 900_000
    ) -> loopbench.Measurement {
        loopbench.Measurement(
            contender: contender,
            round: round,
            requests: requests,
            bytes: requests * 64,
            windowNanoseconds: 1_000_000_000,
            serverCPUNanoseconds: cpuNanoseconds,
            loadCPUNanoseconds: 400_000_000,
            latency: loopbench.Measurement.Latency(
                p50Nanoseconds: 400_000,
                p90Nanoseconds: 600_000,
                p99Nanoseconds: p99Nanoseconds,
                p999Nanoseconds: p99Nanoseconds * 2,
                maximumNanoseconds: p99Nanoseconds * 3,
                curve: loopbench.Measurement.Latency.fractions.indices.map { UInt64(300_000 + 50_000 * $0) }
            ),
            errors: 0,
            corruptions: 0,
            scheduled: 0,
            unanswered: 0,
            otherLoad: 0.01,
            loadWaiting: 0,
            stolen: 0,
            memory: loopbench.Measurement.Memory(
                residentBeforeBytes: 10_000_000,
                residentAfterBytes: 15_000_000,
                anonymousBeforeBytes: 5_000_000,
                anonymousAfterBytes: 9_000_000
            )
        )
    }

    /// One workload in which each contender has the requests a second that are given for each round.
    static func result(
        _ name: String = "echo-64Bx50",
        _ requests: [(contender: String, byRound: [UInt64])]
    ) -> WorkloadResult {
        let count = requests.map(\.byRound.count).max() ?? 0
        return WorkloadResult(
            workload: Workload(named: name) ?? Workload(.echo, connections: 1),
            rounds: (0..<count).map { index in
                Round(
                    index: index + 1,
                    measurements: requests.map {
                        measurement($0.contender, round: index + 1, requests: $0.byRound[index])
                    }
                )
            }
        )
    }

    static func report(_ results: [WorkloadResult]) -> Report {
        var report = Report(
            date: Date(timeIntervalSince1970: 1_800_000_000),
            machine: machine,
            surroundings: Surroundings(features: ["multishotReceive": "true"], versions: ["liburing": "2.3"]),
            cpus: CPUPair(server: 0, load: 1, sharesCore: false),
            baseline: "c-ring",
            rounds: 5,
            windowSeconds: 1,
            warmUpSeconds: 0.25
        )
        report.results = results
        return report
    }
}
