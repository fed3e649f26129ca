import CLoad
import Foundation

/// Where server and load run: never on the same CPU.
struct CPUPair: Sendable, Codable, Equatable {
    var server: Int
    var load: Int
    /// They are two threads of one core, and slow each other down.
    var sharesCore: Bool
    /// True when one of them is slower by its kind, as processors with two kinds of cores have it.
    var isUneven: Bool?

    /// No two CPUs to tell the server's time from the load's.
    struct Refusal: Error, CustomStringConvertible {
        var cause: String

        var description: String {
            """
            Refusing to compare: \(cause). On one CPU the load generator would take its time from the server it drives, \
            by an amount that depends on the server, so that no figure would be the server's own. Let this process use two \
            CPUs, or give --server-cpu and --load-cpu two different ones that it may use.
            """
        }
    }

    /// The CPUs that were asked for, or else two that this process may use: of different cores where it can be, and of the
    /// fastest kind.
    static func choose(
        server: Int? = nil,
        load: Int? = nil,
        allowed: [Int] = allowedCPUs,
        quota: Double? = ControlGroup.current.cpuQuota,
        siblings: (Int) -> Set<Int> = siblings(of:),
        capacity: (Int) -> Double? = capacity(of:)
    ) throws(Refusal) -> CPUPair {
        guard allowed.count >= 2 else {
            throw Refusal(cause: "this process may use one CPU only")
        }
        if let quota, quota <= 1 {
            let time = quota == 1 ? "one CPU" : "\(shown(quota, 2)) of a CPU"
            throw Refusal(cause: "a control group allows this process the time of \(time) only")
        }
        for asked in [server, load].compactMap({ $0 }) where !allowed.contains(asked) {
            throw Refusal(cause: "this process may not use CPU \(asked), only \(list(allowed))")
        }
        if let server, server == load {
            throw Refusal(cause: "server and load were both given CPU \(server)")
        }
        let capacities = allowed.compactMap(capacity)
        // Cores of one kind differ a little in how high they may be clocked.
        let enough = capacities.count == allowed.count ? 0.9 * (capacities.max() ?? 0) : 0
        func isFast(_ cpu: Int) -> Bool { enough == 0 || capacity(cpu) ?? 0 >= enough }
        // The fast ones first.
        let candidates = allowed.filter(isFast) + allowed.filter { !isFast($0) }
        let server = server ?? candidates.first { $0 != load } ?? candidates[0]
        let others = candidates.filter { $0 != server }
        let load = load ?? others.first { !siblings(server).contains($0) } ?? others[0]
        var pair = CPUPair(server: server, load: load, sharesCore: siblings(server).contains(load))
        if isFast(server) != isFast(load) { pair.isUneven = true }
        return pair
    }

    /// What a CPU can do, beside others of this machine; nil where the system does not say.
    static func capacity(of cpu: Int) -> Double? {
        for file in ["cpu_capacity", "cpufreq/cpuinfo_max_freq"] {
            let path = "/sys/devices/system/cpu/cpu\(cpu)/\(file)"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            if let value = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)), value > 0 {
                return value
            }
        }
        return nil
    }

    /// The CPUs that this process may run on.
    static var allowedCPUs: [Int] { (0..<1_024).filter { cload_may_use_cpu(Int32($0)) != 0 } }

    /// The CPUs of the same core.
    static func siblings(of cpu: Int) -> Set<Int> {
        let path = "/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        var found: Set<Int> = []
        for part in text.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ",") {
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { continue }
            found.formUnion(first...last)
        }
        return found
    }

    private static func list(_ cpus: [Int]) -> String {
        cpus.map(String.init).joined(separator: ", ")
    }
}
