import CLoad
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
        let (before, around) = (cpuNanoseconds(of: processID), Surrounding(of: cpus))
        let start = ContinuousClock().now
        let outcome = try wrk.drive("http://\(host):\(port)/")
        let elapsed = Double((ContinuousClock().now - start) / .nanoseconds(1))
        let used = cpuNanoseconds(of: processID) - before
        let other = Surrounding(of: cpus).since(around, interruptsApart: interruptsApart)
        return Measurement(
            contender: contender,
            round: round,
            requests: UInt64(outcome.requests),
            bytes: 0,
            windowNanoseconds: UInt64(outcome.requests * 1e9 / max(outcome.requestsPerSecond, 1)),
            serverCPUNanoseconds: UInt64(max(used, 0)),
            loadCPUNanoseconds: UInt64(max(other.wrk, 0)),
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
            otherLoad: max(0, (other.busy - other.wrk - used) / elapsed),
            loadWaiting: 0,
            stolen: other.stolen / elapsed,
            memory: Measurement.Memory(
                residentBeforeBytes: 0,
                residentAfterBytes: 0,
                anonymousBeforeBytes: 0,
                anonymousAfterBytes: 0
            )
        )
    }
}

/// What wrk and the CPUs have done so far, in nanoseconds.
private struct Surrounding {
    private var tasks: UInt64 = 0
    private var interrupts: UInt64 = 0
    private var steal: UInt64 = 0
    /// Of all children that have ended: wrk is one when it has run.
    private var children = rusage()

    init(of cpus: CPUPair?) {
        cload_read_cpus(Int32(cpus?.server ?? -1), Int32(cpus?.load ?? -1), &tasks, &interrupts, &steal)
        getrusage(RUSAGE_CHILDREN.rawValue, &children)
    }

    func since(_ earlier: Surrounding, interruptsApart: Bool) -> (busy: Double, stolen: Double, wrk: Double) {
        let interrupts = interruptsApart ? 0 : Double(interrupts) - Double(earlier.interrupts)
        return (
            Double(tasks) - Double(earlier.tasks) + interrupts,
            Double(steal) - Double(earlier.steal),
            childNanoseconds - earlier.childNanoseconds
        )
    }

    private var childNanoseconds: Double {
        let times = [children.ru_utime, children.ru_stime]
        return times.map { Double($0.tv_sec) * 1e9 + Double($0.tv_usec) * 1e3 }.reduce(0, +)
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
