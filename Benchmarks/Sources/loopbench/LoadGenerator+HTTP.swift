import CLoad
import Foundation

extension LoadGenerator {
    /// wrk's figures as a measurement. It counts all the requests of its run, so that the CPU time is that of the run too;
    /// connecting is a part of it.
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
        let wrk = WrkLoad(
            connections: workload.connections,
            seconds: max(1, Int(windowSeconds.rounded())),
            cpu: cpus?.load ?? -1
        )
        try HTTPProbe(host: host, port: port).check()
        let serverCPU = Int32(cpus?.server ?? -1)
        let (before, around) = (Double(cload_cpu_ns(processID, serverCPU)), Surrounding(of: cpus))
        let throttledBefore = throttleFile.map { cload_throttled_ns($0) } ?? 0
        let start = ContinuousClock().now
        let outcome = try wrk.drive("http://\(host):\(port)/")
        let elapsed = Double((ContinuousClock().now - start) / .nanoseconds(1))
        let used = Double(cload_cpu_ns(processID, serverCPU)) - before
        let throttled = (throttleFile.map { cload_throttled_ns($0) } ?? 0) - throttledBefore
        let other = Surrounding(of: cpus).since(around, interruptsApart: interruptsApart)
        return Measurement(
            contender: contender,
            round: round,
            requests: UInt64(outcome.requests),
            bytes: UInt64(outcome.bytes),
            windowNanoseconds: UInt64(outcome.seconds * 1e9),
            serverCPUNanoseconds: UInt64(max(used, 0)),
            loadCPUNanoseconds: UInt64(max(other.wrk, 0)),
            latency: Measurement.Latency(
                p50Nanoseconds: nanoseconds(outcome.microseconds(at: 0.5)),
                p90Nanoseconds: nanoseconds(outcome.microseconds(at: 0.9)),
                p99Nanoseconds: nanoseconds(outcome.microseconds(at: 0.99)),
                p999Nanoseconds: nanoseconds(outcome.microseconds(at: 0.999)),
                maximumNanoseconds: nanoseconds(outcome.maximumMicroseconds),
                curve: outcome.curveMicroseconds.map(nanoseconds)
            ),
            errors: outcome.errors,
            corruptions: 0,
            scheduled: 0,
            unanswered: 0,
            otherLoad: max(0, (other.busy - other.wrk - used) / elapsed),
            loadWaiting: 0,
            stolen: other.stolen / elapsed,
            throttled: Double(throttled) / elapsed,
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
