/// What one contender did in one round of one workload.
struct Measurement: Sendable, Codable {
    var contender: String
    var round: Int
    /// Messages that came back, or connections that were served, in the window.
    var requests: UInt64
    /// Payload that was received in the window; that was sent, where it only goes to the server.
    var bytes: UInt64
    var windowNanoseconds: UInt64
    /// User and system time of the server's process and its children in the window.
    var serverCPUNanoseconds: UInt64
    var loadCPUNanoseconds: UInt64
    /// Nil where there are no requests to wait for, or none was answered.
    var latency: Latency?
    /// Connections that failed or ended early.
    var errors: UInt64
    /// Connections on which something else came back than was sent.
    var corruptions: UInt64
    /// Open loop: messages that were due in the window.
    var scheduled: UInt64
    /// Open loop: of those, not back a second after the window.
    var unanswered: UInt64
    /// UDP: datagrams that did not come back in time and were sent again.
    var resent: UInt64?
    /// The part of one CPU that something else than server and load had, of the CPUs that they are pinned to.
    var otherLoad: Double
    /// The part of the window in which the load was kept from its CPU.
    var loadWaiting: Double
    /// The part of one CPU that the hypervisor took.
    var stolen: Double
    /// The part of one CPU that the quota of a control group kept from its processes; nil in runs of older versions.
    var throttled: Double?
    var memory: Memory

    /// A distribution, in nanoseconds. In a closed loop nothing is sent before the answer to what came before it; in an
    /// open one a request's latency begins when it was due.
    struct Latency: Sendable, Codable {
        var p50Nanoseconds: UInt64
        var p90Nanoseconds: UInt64
        var p99Nanoseconds: UInt64
        /// Nil where the tool that measures does not say.
        var p999Nanoseconds: UInt64?
        var maximumNanoseconds: UInt64
        /// The values at ``fractions``, or none.
        var curve: [UInt64] = []

        static let fractions = [
            0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975, 0.999, 0.9995, 0.9999,
        ]
    }

    /// The server's, before any connection (idle workloads: after the first) and at the end.
    struct Memory: Sendable, Codable {
        var residentBeforeBytes: UInt64
        var residentAfterBytes: UInt64
        var anonymousBeforeBytes: UInt64
        var anonymousAfterBytes: UInt64
    }
}

extension Measurement {
    var requestsPerSecond: Double {
        windowNanoseconds == 0 ? 0 : Double(requests) * 1e9 / Double(windowNanoseconds)
    }

    /// Payload a second, in millions of bytes.
    var megabytesPerSecond: Double {
        windowNanoseconds == 0 ? 0 : Double(bytes) * 1e3 / Double(windowNanoseconds)
    }

    /// Server CPU time a request, in microseconds.
    var cpuMicroseconds: Double {
        requests == 0 ? .nan : Double(serverCPUNanoseconds) / Double(requests) / 1_000
    }

    /// Server CPU time a million bytes, in microseconds.
    var cpuMicrosecondsPerMegabyte: Double {
        bytes == 0 ? .nan : Double(serverCPUNanoseconds) * 1e3 / Double(bytes)
    }

    /// The part of its CPU that the load used; near 1, the load and not the server sets the throughput.
    var loadUtilisation: Double {
        windowNanoseconds == 0 ? 0 : Double(loadCPUNanoseconds) / Double(windowNanoseconds)
    }

    /// Something else ran on these CPUs, so that this measurement is worth less.
    ///
    /// The kernel counts by sampling, in steps of 10 ms: some noise is allowed for, the more the shorter the window. How
    /// long the load had to wait it knows exactly, but a part of that is its own network work, when a kernel thread does it.
    var isContested: Bool {
        let seconds = max(Double(windowNanoseconds) / 1e9, 0.1)
        return otherLoad > 0.05 + 0.03 / seconds || stolen > 0.02 + 0.02 / seconds
            || loadWaiting > 0.03 + 0.01 / seconds || (throttled ?? 0) > 0.01
    }

    /// Resident memory a held connection, in bytes; not a number when it is not known.
    func residentBytes(connections: Int) -> Double {
        growth(memory.residentBeforeBytes, memory.residentAfterBytes, connections)
    }

    /// Anonymous resident memory a held connection, in bytes.
    func anonymousBytes(connections: Int) -> Double {
        growth(memory.anonymousBeforeBytes, memory.anonymousAfterBytes, connections)
    }

    private func growth(_ before: UInt64, _ after: UInt64, _ connections: Int) -> Double {
        // A live process without memory is one that the kernel does not show. Where some of the connections do not stand,
        // less memory is no merit.
        guard before > 0, after > 0, requests >= UInt64(connections) else { return .nan }
        // The first connection stood already when `before` was read.
        return (Double(after) - Double(before)) / Double(max(connections - 1, 1))
    }
}
