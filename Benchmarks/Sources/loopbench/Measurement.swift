/// What one contender did in one round of one workload.
struct Measurement: Sendable, Codable {
    var contender: String
    var round: Int
    /// Messages that came back, or connections that were served, in the window.
    var requests: UInt64
    /// Payload that was received in the window.
    var bytes: UInt64
    var windowNanoseconds: UInt64
    /// User and system time of all the server's threads in the window.
    var serverCPUNanoseconds: UInt64
    var loadCPUNanoseconds: UInt64
    var latency: Latency
    /// Connections that failed or ended early.
    var errors: UInt64
    /// Connections on which something else came back than was sent.
    var corruptions: UInt64
    /// The part of one CPU that neither the server nor the load had: 0.1 is a tenth.
    var otherLoad: Double
    /// The part of one CPU that the hypervisor took.
    var stolen: Double
    var memory: Memory

    /// The distribution of a closed loop: nothing is sent before the answer to what came before it.
    struct Latency: Sendable, Codable {
        var p50Nanoseconds: UInt64
        var p90Nanoseconds: UInt64
        var p99Nanoseconds: UInt64
        var p999Nanoseconds: UInt64
        var maximumNanoseconds: UInt64
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

    /// Server CPU time a request, in microseconds.
    var cpuMicroseconds: Double {
        requests == 0 ? 0 : Double(serverCPUNanoseconds) / Double(requests) / 1_000
    }

    /// Load CPU time a request, in microseconds.
    var loadCPUMicroseconds: Double {
        requests == 0 ? 0 : Double(loadCPUNanoseconds) / Double(requests) / 1_000
    }

    /// The part of its CPU that the load used; near 1, the load and not the server sets the throughput.
    var loadUtilisation: Double {
        windowNanoseconds == 0 ? 0 : Double(loadCPUNanoseconds) / Double(windowNanoseconds)
    }

    /// Something else ran on the machine, so that this measurement is worth less.
    ///
    /// The kernel counts in steps of 10 ms, and by sampling: a few per cent are noise.
    var isContested: Bool { otherLoad > 0.08 || stolen > 0.03 }

    /// Resident memory a held connection, in bytes.
    func residentBytes(connections: Int) -> Double {
        growth(memory.residentBeforeBytes, memory.residentAfterBytes, connections)
    }

    /// Anonymous resident memory a held connection, in bytes.
    func anonymousBytes(connections: Int) -> Double {
        growth(memory.anonymousBeforeBytes, memory.anonymousAfterBytes, connections)
    }

    private func growth(_ before: UInt64, _ after: UInt64, _ connections: Int) -> Double {
        // The first connection stood already when `before` was read.
        (Double(after) - Double(before)) / Double(max(connections - 1, 1))
    }
}
