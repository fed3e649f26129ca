import Foundation

/// Drives an HTTP server by wrk.
struct WrkLoad {
    /// What wrk reports.
    struct Outcome: Equatable {
        var requests: Double
        var requestsPerSecond: Double
        var p50Microseconds: Double
        var p90Microseconds: Double
        var p99Microseconds: Double
        var maximumMicroseconds: Double
    }

    /// wrk, or the server under it, did not do what it should.
    struct Problem: Error, CustomStringConvertible {
        var description: String
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
            throw Problem(description: "wrk is not installed; 'make setup' does it")
        }
        guard process.terminationStatus == 0 else {
            throw Problem(description: "wrk ended with status \(process.terminationStatus)")
        }
        return try Self.outcome(in: String(decoding: data, as: UTF8.self))
    }

    static func outcome(in report: String) throws(Problem) -> Outcome {
        var outcome = Outcome(
            requests: 0,
            requestsPerSecond: 0,
            p50Microseconds: .nan,
            p90Microseconds: .nan,
            p99Microseconds: .nan,
            maximumMicroseconds: .nan
        )
        for line in report.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 1 else { continue }
            switch words[0] {
            case "50%": outcome.p50Microseconds = microseconds(words[1])
            case "90%": outcome.p90Microseconds = microseconds(words[1])
            case "99%": outcome.p99Microseconds = microseconds(words[1])
            // "Latency Distribution" has no figures; "Latency" has average, deviation and maximum.
            case "Latency": if words.count > 3 { outcome.maximumMicroseconds = microseconds(words[3]) }
            case "Requests/sec:": outcome.requestsPerSecond = Double(words[1]) ?? 0
            case "Socket", "Non-2xx": throw Problem(description: "wrk saw errors: \(line)")
            default: if words[1] == "requests" { outcome.requests = Double(words[0]) ?? 0 }
            }
        }
        guard outcome.requests > 0 else { throw Problem(description: "wrk got no answer:\n\(report)") }
        return outcome
    }

    /// `250.00us`, `1.25ms` or `1.00s`.
    private static func microseconds(_ text: Substring) -> Double {
        for (unit, factor) in [("us", 1.0), ("ms", 1e3), ("s", 1e6)] where text.hasSuffix(unit) {
            return (Double(text.dropLast(unit.count)) ?? .nan) * factor
        }
        return .nan
    }
}
