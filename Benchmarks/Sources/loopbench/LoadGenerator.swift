import CLoad
import Foundation

/// Drives one server from the calling thread.
struct LoadGenerator {
    /// The generator itself could not start.
    struct Failure: Error, CustomStringConvertible {
        var step: String
        var code: Int32

        var description: String { "load generator: \(step): \(String(cString: strerror(code)))" }
    }

    /// No connection over TLS came to be what was to be measured.
    struct Refusal: Error, CustomStringConvertible {
        var problem: String

        var description: String { "TLS: \(problem)" }
    }

    var warmUpSeconds: Double
    var windowSeconds: Double
    /// Where server and load are pinned; nil when they are not.
    var cpus: CPUPair?
    /// How long the server may take to accept a connection.
    var patienceSeconds = 10.0
    /// What the servers of workloads over TLS show, and nothing else is believed.
    var certificate: RunCertificate?
    /// Its time, when it is not the kernel's: a run is then simulated, and never sleeps.
    var clock: SimulatedClock?
    /// As ``Machine/accountsInterruptsApart``.
    var interruptsApart = false
    /// ``ControlGroup/throttleFile``.
    var throttleFile: String?
    /// What stands for /proc where the server's children are looked for; nil for that.
    var processFolder: String?

    /// A time in nanoseconds that somebody else makes. What reads it is given `context`.
    struct SimulatedClock {
        var read: @convention(c) (UnsafeMutableRawPointer?) -> UInt64
        var context: UnsafeMutableRawPointer
    }

    func measure(
        _ workload: Workload,
        contender: String,
        round: Int,
        endpoint: Contender.Endpoint,
        processID: Int32,
        upstream: Upstream? = nil
    ) throws -> Measurement {
        if workload.kind == .http {
            return try measureHTTP(
                workload,
                contender: contender,
                round: round,
                endpoint: endpoint,
                processID: processID
            )
        }
        guard workload.tls == nil || certificate != nil else {
            throw Refusal(problem: "there is no certificate")
        }
        guard let histogram = cload_histogram_create() else { throw Failure(step: "histogram", code: ENOMEM) }
        defer { cload_histogram_destroy(histogram) }
        var result = cload_result()
        var step: UnsafePointer<CChar>?
        let problem = withConfiguration(workload, endpoint, processID) { configuration in
            var configuration = configuration
            configuration.upstream = upstream?.descriptor ?? -1
            return cload_run(&configuration, histogram, &result, &step)
        }
        guard problem == 0 else {
            throw Failure(step: step.map { String(cString: $0) } ?? "start", code: problem)
        }
        var measurement = Measurement(
            result,
            latency: histogram,
            contender: contender,
            round: round,
            interruptsApart: interruptsApart
        )
        // Where nothing counts, why is worth more than how often. Of a churn, bytes may have come by the wrong handshakes.
        if let problem = result.problem, result.requests == 0, result.bytes == 0 || workload.kind == .churn {
            throw Refusal(problem: String(cString: problem))
        }
        // Where nothing came back there is none, and not the best of all.
        if !workload.hasLatency || cload_histogram_count(histogram) == 0 { measurement.latency = nil }
        if workload.kind == .udp { measurement.resent = result.resent }
        return measurement
    }

    private func withConfiguration(
        _ workload: Workload,
        _ endpoint: Contender.Endpoint,
        _ processID: Int32,
        _ body: (cload_config) -> Int32
    ) -> Int32 {
        withOptionalCString(throttleFile) { throttleFile in
            withOptionalCString(processFolder) { processFolder in
                withOptionalCString(workload.tls == nil ? nil : certificate?.path) { certificate in
                    var configuration = configuration(workload, processID)
                    configuration.throttle_file = throttleFile
                    configuration.processes.proc = processFolder
                    configuration.tls_certificate = certificate
                    return Self.withTarget(endpoint, configuration, body)
                }
            }
        }
    }

    private static func withTarget(
        _ endpoint: Contender.Endpoint,
        _ configuration: cload_config,
        _ body: (cload_config) -> Int32
    ) -> Int32 {
        var configuration = configuration
        switch endpoint {
        case .tcp(let host, let port):
            configuration.port = port
            return host.withCString {
                configuration.host = $0
                return body(configuration)
            }
        case .unix(let path):
            return path.withCString {
                configuration.unix_path = $0
                return body(configuration)
            }
        }
    }

    /// All that is no string.
    private func configuration(_ workload: Workload, _ processID: Int32) -> cload_config {
        var configuration = cload_config()
        configuration.kind =
            switch workload.kind {
            case .echo, .lines, .exact: CLOAD_ECHO
            case .churn: CLOAD_CHURN
            case .idle: CLOAD_IDLE
            case .streamIn: CLOAD_STREAM_IN
            case .streamOut: CLOAD_STREAM_OUT
            case .flood: CLOAD_FLOOD
            case .proxy: CLOAD_PROXY
            case .udp: CLOAD_UDP
            case .http: preconditionFailure("wrk drives HTTP")
            }
        configuration.connections = UInt32(workload.connections)
        configuration.message_bytes = UInt32(workload.messageBytes)
        configuration.depth = UInt32(workload.depth)
        configuration.lines = workload.kind == .lines
        configuration.tls_resumes = workload.tls == .resumed
        configuration.single_datagrams = workload.isPlain == true
        configuration.warmup_ns = UInt64(warmUpSeconds * 1e9)
        configuration.window_ns = UInt64(windowSeconds * 1e9)
        configuration.patience_ns = UInt64(patienceSeconds * 1e9)
        configuration.rate_per_s = workload.rate ?? 0
        configuration.server_pid = processID
        configuration.server_cpu = Int32(cpus?.server ?? -1)
        configuration.load_cpu = Int32(cpus?.load ?? -1)
        if let clock { (configuration.clock, configuration.clock_context) = (clock.read, clock.context) }
        return configuration
    }
}

private func withOptionalCString<Result>(
    _ text: String?,
    _ body: (UnsafePointer<CChar>?) -> Result
) -> Result {
    guard let text else { return body(nil) }
    return text.withCString(body)
}

extension Measurement {
    /// - Parameter interruptsApart: as ``Machine/accountsInterruptsApart``. Else an interrupt's time is also that of the
    ///   process that it interrupted, and what nobody used has gone to others.
    init(
        _ result: cload_result,
        latency: OpaquePointer,
        contender: String,
        round: Int,
        interruptsApart: Bool
    ) {
        let window = max(Double(result.window_ns), 1)
        let accounted = Double(result.server_cpu_ns) + Double(result.load_cpu_ns)
        let busy = Double(result.task_ns) + (interruptsApart ? 0 : Double(result.interrupt_ns))
        self.init(
            contender: contender,
            round: round,
            requests: result.requests,
            bytes: result.bytes,
            windowNanoseconds: result.window_ns,
            serverCPUNanoseconds: result.server_cpu_ns,
            loadCPUNanoseconds: result.load_cpu_ns,
            latency: Latency(
                p50Nanoseconds: cload_histogram_value_at(latency, 0.5),
                p90Nanoseconds: cload_histogram_value_at(latency, 0.9),
                p99Nanoseconds: cload_histogram_value_at(latency, 0.99),
                p999Nanoseconds: cload_histogram_value_at(latency, 0.999),
                maximumNanoseconds: cload_histogram_max(latency),
                curve: Measurement.Latency.fractions.map { cload_histogram_value_at(latency, $0) }
            ),
            errors: result.errors,
            corruptions: result.corruptions,
            scheduled: result.scheduled,
            unanswered: result.unanswered,
            otherLoad: max(0, (busy - accounted) / window),
            loadWaiting: Double(result.load_waiting_ns) / window,
            stolen: Double(result.steal_ns) / window,
            throttled: Double(result.throttled_ns) / window,
            memory: Memory(
                residentBeforeBytes: result.rss_before_bytes,
                residentAfterBytes: result.rss_after_bytes,
                anonymousBeforeBytes: result.anonymous_before_bytes,
                anonymousAfterBytes: result.anonymous_after_bytes
            )
        )
    }
}
