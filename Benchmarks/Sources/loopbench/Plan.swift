import CLoad
import Foundation

/// Who is measured with what, and what is left out and why.
struct Plan: Sendable {
    struct Entry: Sendable {
        var workload: Workload
        var contenders: [Contender]
    }

    /// What a workload may take of the machine.
    struct Limits: Sendable {
        /// For each of server and load.
        var descriptors: Int
        var memoryBytes: Int

        static var ofMachine: Limits {
            Limits(
                descriptors: Int(clamping: cload_raise_descriptor_limit()),
                memoryBytes: min(
                    Int(clamping: ProcessInfo.processInfo.physicalMemory),
                    ControlGroup.current.memoryBytesMax ?? .max
                )
            )
        }
    }

    var entries: [Entry] = []
    var skipped: [String] = []

    /// - Parameter areNamed: the contenders were chosen one by one, and so all take part wherever they can.
    init(_ workloads: [Workload], _ contenders: [Contender], areNamed: Bool, limits: Limits = .ofMachine) {
        for contender in contenders {
            if let missing = contender.missing { skipped.append("\(contender.name): \(missing)") }
        }
        var obstacles: [(contender: String, reason: String, workloads: [String])] = []
        let available = contenders.filter { $0.missing == nil }
        for workload in workloads {
            if let reason = workload.obstacle(on: limits) {
                skipped.append("\(workload.name): \(reason)")
                continue
            }
            let candidates = available.filter { !$0.isAsync || areNamed || workload.comparesAsync }
            let able = candidates.filter { $0.obstacle(to: workload) == nil }
            for contender in candidates {
                guard let obstacle = contender.obstacle(to: workload) else { continue }
                let others = obstacles.firstIndex { $0.contender == contender.name && $0.reason == obstacle }
                if let others {
                    obstacles[others].workloads.append(workload.name)
                } else {
                    obstacles.append((contender.name, obstacle, [workload.name]))
                }
            }
            if !able.isEmpty { entries.append(Entry(workload: workload, contenders: able)) }
        }
        for (contender, reason, workloads) in obstacles {
            let place = workloads.count == 1 ? workloads[0] : "\(workloads.count) workloads"
            skipped.append("\(contender) in \(place): \(reason)")
        }
    }

    var contenderNames: Set<String> { Set(entries.flatMap { $0.contenders.map(\.name) }) }

    func measurementCount(rounds: Int) -> Int {
        rounds * entries.reduce(0) { $0 + $1.contenders.count }
    }

    /// A quarter of a window goes into warming up, half a second at most.
    static func warmUpSeconds(for window: Double) -> Double { min(window / 4, 0.5) }

    /// About how long all of this takes, in seconds.
    func seconds(window: Double, warmUp: Double, rounds: Int) -> Double {
        let once = entries.reduce(0.0) { sum, entry in
            let each = entry.workload.seconds(window: window, warmUp: warmUp)
            return sum + entry.contenders.reduce(0.0) { $0 + each + $1.startAndEndSeconds }
        }
        return once * Double(rounds)
    }

    /// The window with which all of this takes about so long; between 0.2 and 10 s.
    func windowSeconds(for minutes: Double, rounds: Int) -> Double {
        var (short, long) = (0.2, 10.0)
        for _ in 0..<30 {
            let middle = (short + long) / 2
            let needed = seconds(window: middle, warmUp: Self.warmUpSeconds(for: middle), rounds: rounds)
            if needed > minutes * 60 { long = middle } else { short = middle }
        }
        return short
    }

    /// What would be measured, in the order of the turns.
    var text: String {
        entries.map { entry in
            "\(entry.workload.name): \(entry.contenders.map(\.name).joined(separator: ", "))\n"
        }.joined()
    }
}

extension Contender {
    /// Measured: an interpreter takes its time.
    fileprivate var startAndEndSeconds: Double {
        program.hasSuffix("python3") ? 0.45 : 0.15
    }
}

extension Workload {
    /// About how long one measurement takes, without the server's start.
    fileprivate func seconds(window: Double, warmUp: Double) -> Double {
        // Over TLS both sides have a handshake to do.
        let connecting = Double(connections) * (tls == nil ? 50e-6 : 1e-3)
        switch kind {
        case .idle: return 0.7 + 2 * connecting
        case .http: return connecting + max(1, window.rounded())
        case .echo where rate != nil: return connecting + warmUp + window + 0.1
        case .echo, .lines, .exact, .churn, .streamIn, .streamOut, .flood, .proxy, .udp:
            return connecting + warmUp + window
        }
    }
}

extension Workload {
    /// Why this machine cannot run it, or nil.
    func obstacle(on limits: Plan.Limits) -> String? {
        // The load is both ends of a proxy, which has two of its own for each client.
        let descriptors = connections * (kind == .proxy ? 2 : 1) + 64
        if descriptors > limits.descriptors {
            return
                "needs \(descriptors) descriptors, and the limit is \(limits.descriptors): raise it by ulimit -n"
        }
        // A message may lie in both processes and in the socket buffers of both sides.
        let bytes = connections * min(messageBytes * depth, 4 << 20) * 4
        if kind == .echo || kind == .exact, bytes > limits.memoryBytes / 2 {
            return "may need \(bytes >> 20) MiB, more than half of the memory that there is"
        }
        return kind == .http && outputOfCommand(["which", "wrk"]) == nil
            ? "wrk is not installed: make setup" : nil
    }
}
