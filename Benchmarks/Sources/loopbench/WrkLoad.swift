import Foundation

/// Drives an HTTP server by wrk.
struct WrkLoad {
    /// What wrk reports.
    struct Outcome: Equatable {
        var requests: Double
        var seconds: Double
        var bytes: Double
        /// Connections that failed, reads and writes that did, and answers that took longer than wrk waits.
        var errors: UInt64
        var maximumMicroseconds: Double
        /// The latencies at ``Measurement/Latency/fractions``.
        var curveMicroseconds: [Double]

        var requestsPerSecond: Double { seconds > 0 ? requests / seconds : 0 }

        func microseconds(at fraction: Double) -> Double {
            let index = Measurement.Latency.fractions.firstIndex(of: fraction)
            return index.map { curveMicroseconds[$0] } ?? .nan
        }
    }

    /// wrk, or the server under it, did not do what it should.
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    var connections: Int
    var seconds: Int
    /// Where it runs; below 0 for anywhere.
    var cpu = -1

    /// wrk's own report has no 99.9 %. Latencies are in microseconds.
    private static let script = """
        done = function(summary, latency, requests)
          local e = summary.errors
          local line = {summary.requests, summary.duration, summary.bytes, e.connect + e.read + e.write + e.timeout, e.status}
          line[#line + 1] = latency.max
          for _, p in ipairs({\(Measurement.Latency.fractions.map { "\($0 * 100)" }.joined(separator: ", "))}) do
            line[#line + 1] = p == 0 and latency.min or latency:percentile(p)
          end
          for i, value in ipairs(line) do line[i] = string.format("%.0f", value) end
          io.write("\(mark)", table.concat(line, " "), "\\n")
        end

        """
    private static let mark = "loopbench: "
    /// For connecting, and for ending.
    private static let graceSeconds = 10

    /// Runs wrk until it ends.
    func drive(_ url: String) throws -> Outcome {
        let script = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-\(UUID().uuidString).lua"
        )
        try Data(Self.script.utf8).write(to: script)
        defer { try? FileManager.default.removeItem(at: script) }
        let words = ["wrk", "-t1", "-c\(connections)", "-d\(seconds)s", "-s", script.path, url]
        let child: ChildProcess
        switch Result(catching: { () throws(ChildProcess.StartProblem) in
            try ChildProcess(words, cpu: cpu, announces: true)
        }) {
        case .success(let started): child = started
        case .failure(let problem) where problem.code == ENOENT:
            throw Problem(description: "wrk is not installed; 'make setup' does it")
        case .failure(let problem):
            throw Problem(description: "wrk does not start: \(String(cString: strerror(problem.code)))")
        }
        guard let report = child.readAll(until: .now + .seconds(seconds + Self.graceSeconds)) else {
            _ = child.stop(by: SIGKILL, within: 1)
            throw Problem(description: "wrk did not end in time")
        }
        guard case .status(0) = child.stop(by: 0, within: 1) else {
            throw Problem(description: "wrk failed:\(child.lastWords)")
        }
        return try Self.outcome(in: report)
    }

    static func outcome(in report: String) throws(Problem) -> Outcome {
        let line = report.split(separator: "\n").first { $0.hasPrefix(mark) }
        let numbers = (line ?? "").dropFirst(mark.count).split(separator: " ").compactMap { Double($0) }
        guard numbers.count == 6 + Measurement.Latency.fractions.count else {
            throw Problem(description: "wrk's report is not understood:\n\(report)")
        }
        guard numbers[4] == 0 else {
            throw Problem(description: "\(shown(numbers[4], 0)) answers had another status than 2xx or 3xx")
        }
        guard numbers[0] > 0 else { throw Problem(description: "wrk got no answer") }
        return Outcome(
            requests: numbers[0],
            seconds: numbers[1] / 1e6,
            bytes: numbers[2],
            errors: UInt64(numbers[3]),
            maximumMicroseconds: numbers[5],
            curveMicroseconds: Array(numbers[6...])
        )
    }
}
