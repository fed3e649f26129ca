/// A number that measurements are compared by.
enum Figure: String, Sendable, Codable, CaseIterable {
    case throughput
    case cpu
    case p50
    case p90
    case p99
    case p999
    case maximum
    case resident
    case anonymous

    /// What a workload is about, the most important first.
    static func all(for workload: Workload) -> [Figure] {
        switch workload.kind {
        case .idle: [.resident, .anonymous]
        case .streamIn, .streamOut, .proxy: [.throughput, .cpu]
        case .flood: [.p50, .p99, .throughput, .cpu, .p90, .p999, .maximum]
        case .echo, .lines, .exact, .churn, .udp, .http:
            [.throughput, .cpu, .p50, .p90, .p99, .p999, .maximum]
        }
    }

    /// More is better; of the others, less.
    var isRate: Bool { self == .throughput }

    /// Of its ratio to the baseline's.
    var ratioTitle: String {
        switch self {
        case .throughput: "throughput ×"
        case .cpu: "CPU ×"
        case .resident, .anonymous: "memory ×"
        case .p50, .p90, .p99, .p999, .maximum: "latency ×"
        }
    }

    func title(for workload: Workload) -> String {
        switch self {
        case .throughput:
            switch workload.kind {
            case .streamIn, .streamOut, .flood, .proxy: "MB a second"
            case .churn: "connections a second"
            default: "requests a second"
            }
        case .cpu:
            switch workload.kind {
            case .streamIn, .streamOut, .flood, .proxy: "server CPU, µs a MB"
            case .churn: "server CPU, µs a connection"
            default: "server CPU, µs a request"
            }
        case .p50: "p50 latency, µs"
        case .p90: "p90 latency, µs"
        case .p99: "p99 latency, µs"
        case .p999: "p99.9 latency, µs"
        case .maximum: "maximal latency, µs"
        case .resident: "resident bytes a connection"
        case .anonymous: "anonymous bytes a connection"
        }
    }

    func value(of measurement: Measurement, in workload: Workload) -> Double {
        let isStream = workload.isStream
        switch self {
        case .throughput: return isStream ? measurement.megabytesPerSecond : measurement.requestsPerSecond
        case .cpu: return isStream ? measurement.cpuMicrosecondsPerMegabyte : measurement.cpuMicroseconds
        case .p50: return microseconds(measurement.latency?.p50Nanoseconds)
        case .p90: return microseconds(measurement.latency?.p90Nanoseconds)
        case .p99: return microseconds(measurement.latency?.p99Nanoseconds)
        case .p999: return microseconds(measurement.latency?.p999Nanoseconds)
        case .maximum: return microseconds(measurement.latency?.maximumNanoseconds)
        case .resident: return measurement.residentBytes(connections: workload.connections)
        case .anonymous: return measurement.anonymousBytes(connections: workload.connections)
        }
    }

    /// A value with as many digits as it is worth.
    func shown(_ value: Double) -> String {
        switch self {
        case .throughput, .resident, .anonymous: loopbench.shown(value, 0)
        case .cpu: loopbench.shown(value, value < 1 ? 3 : value < 100 ? 2 : 0)
        case .p50, .p90, .p99, .p999, .maximum: loopbench.shown(value, value < 100 ? 1 : 0)
        }
    }

    private func microseconds(_ nanoseconds: UInt64?) -> Double {
        nanoseconds.map { Double($0) / 1_000 } ?? .nan
    }
}
