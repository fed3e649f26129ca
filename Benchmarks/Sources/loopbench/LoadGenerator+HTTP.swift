import Foundation

extension LoadGenerator {
    /// wrk's figures as a measurement. Its window cannot be told from outside: the CPU time is that of its whole run.
    func measureHTTP(
        _ workload: Workload,
        contender: String,
        round: Int,
        endpoint: Contender.Endpoint,
        processID: Int32
    ) throws -> Measurement {
        guard case .tcp(let host, let port) = endpoint else {
            throw WrkLoad.Problem(description: "wrk needs TCP")
        }
        let wrk = WrkLoad(connections: workload.connections, seconds: max(1, Int(windowSeconds.rounded())))
        let before = cpuNanoseconds(of: processID)
        let outcome = try wrk.drive("http://\(host):\(port)/")
        let used = cpuNanoseconds(of: processID) - before
        return Measurement(
            contender: contender,
            round: round,
            requests: UInt64(outcome.requests),
            bytes: 0,
            windowNanoseconds: UInt64(outcome.requests * 1e9 / max(outcome.requestsPerSecond, 1)),
            serverCPUNanoseconds: UInt64(max(used, 0)),
            loadCPUNanoseconds: 0,
            latency: Measurement.Latency(
                p50Nanoseconds: nanoseconds(outcome.p50Microseconds),
                p90Nanoseconds: nanoseconds(outcome.p90Microseconds),
                p99Nanoseconds: nanoseconds(outcome.p99Microseconds),
                p999Nanoseconds: nil,
                maximumNanoseconds: nanoseconds(outcome.maximumMicroseconds)
            ),
            errors: 0,
            corruptions: 0,
            scheduled: 0,
            unanswered: 0,
            otherLoad: 0,
            loadWaiting: 0,
            stolen: 0,
            memory: Measurement.Memory(
                residentBeforeBytes: 0,
                residentAfterBytes: 0,
                anonymousBeforeBytes: 0,
                anonymousAfterBytes: 0
            )
        )
    }
}

private func nanoseconds(_ microseconds: Double) -> UInt64 {
    microseconds.isFinite ? UInt64(microseconds * 1_000) : 0
}

/// User and system time of all threads of a process that runs, in nanoseconds.
func cpuNanoseconds(of processID: Int32) -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(processID, &clock) == 0, clock_gettime(clock, &time) == 0 else { return .nan }
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}
