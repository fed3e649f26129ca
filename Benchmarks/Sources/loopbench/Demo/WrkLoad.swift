import Foundation

/// Drives an HTTP server by wrk.
struct WrkLoad {
    /// What wrk reports.
    struct Outcome {
        var requests: Double
        var requestsPerSecond: Double
        var p50Microseconds: Double
        var p99Microseconds: Double
    }

    var connections: Int
    var seconds: Int

    /// Runs wrk on the calling thread's CPUs until it ends.
    func drive(_ url: String) throws -> Outcome {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["wrk", "-t1", "-c\(connections)", "-d\(seconds)s", "--latency", url]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus != 127 else {
            throw DemoProblem("wrk is not installed; 'make setup' does it")
        }
        guard process.terminationStatus == 0 else {
            throw DemoProblem("wrk ended with status \(process.terminationStatus)")
        }
        return try outcome(in: String(decoding: data, as: UTF8.self))
    }

    private func outcome(in report: String) throws -> Outcome {
        var outcome = Outcome(requests: 0, requestsPerSecond: 0, p50Microseconds: .nan, p99Microseconds: .nan)
        for line in report.split(separator: "\n") {
            let words = line.split(separator: " ")
            switch words.first {
            case "50%": outcome.p50Microseconds = microseconds(words[1])
            case "99%": outcome.p99Microseconds = microseconds(words[1])
            case "Requests/sec:": outcome.requestsPerSecond = Double(words[1]) ?? 0
            case "Socket", "Non-2xx": throw DemoProblem("wrk saw errors: \(line)")
            default:
                if words.count > 1, words[1] == "requests" { outcome.requests = Double(words[0]) ?? 0 }
            }
        }
        guard outcome.requests > 0 else { throw DemoProblem("wrk got no answer:\n\(report)") }
        return outcome
    }

    /// `250.00us`, `1.25ms` or `1.00s`.
    private func microseconds(_ text: Substring) -> Double {
        for (unit, factor) in [("us", 1.0), ("ms", 1e3), ("s", 1e6)] where text.hasSuffix(unit) {
            return (Double(text.dropLast(unit.count)) ?? .nan) * factor
        }
        return .nan
    }
}
