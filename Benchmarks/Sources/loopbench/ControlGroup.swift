import Foundation

/// What the control groups of this process let it use, as containers limit it: cgroup v2, or v1.
struct ControlGroup: Sendable, Equatable {
    /// So many CPUs' time, all CPUs together; nil without a limit.
    var cpuQuota: Double?
    var memoryBytesMax: Int?
    /// Counts how long the quota kept the group from its CPUs: the `cpu.stat` of the group that has it.
    var throttleFile: String?

    static let current = ControlGroup()

    /// - Parameters:
    ///   - memberships: the groups that the process is in, as /proc/self/cgroup says it.
    ///   - root: where control groups are mounted.
    init(
        memberships: String = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? "",
        root: String = "/sys/fs/cgroup"
    ) {
        for line in memberships.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let controllers = parts[1].split(separator: ",")
            // In a container the path may be that of the host, and what is mounted begins at the group itself.
            let folders = Self.withParents(String(parts[2]))
            if controllers.isEmpty {
                folders.forEach { readUnified("\(root)\($0)") }
            } else if controllers.contains("cpu") {
                folders.forEach { readCPU("\(root)/\(parts[1])\($0)", "\(root)/cpu\($0)") }
            } else if controllers.contains("memory") {
                folders.forEach { limitMemory(Self.text("\(root)/memory\($0)/memory.limit_in_bytes")) }
            }
        }
    }

    /// A group and those that it is in, whose limits hold for it too: `/a/b`, `/a` and the empty path of the root.
    private static func withParents(_ path: String) -> [String] {
        var names = path.split(separator: "/")
        guard !names.contains("..") else { return [""] }
        var found: [String] = []
        while !names.isEmpty {
            found.append("/" + names.joined(separator: "/"))
            names.removeLast()
        }
        return found + [""]
    }

    private mutating func readUnified(_ folder: String) {
        let words = Self.text("\(folder)/cpu.max").split(separator: " ").map { Double($0) }
        if words.count == 2, let quota = words[0], let period = words[1] {
            limitCPU(quota / period, "\(folder)/cpu.stat")
        }
        limitMemory(Self.text("\(folder)/memory.max"))
    }

    private mutating func readCPU(_ candidates: String...) {
        for folder in candidates {
            guard let quota = Double(Self.text("\(folder)/cpu.cfs_quota_us")), quota > 0,
                let period = Double(Self.text("\(folder)/cpu.cfs_period_us"))
            else { continue }
            return limitCPU(quota / period, "\(folder)/cpu.stat")
        }
    }

    private mutating func limitCPU(_ quota: Double, _ file: String) {
        guard quota.isFinite, quota > 0, quota < cpuQuota ?? .infinity else { return }
        (cpuQuota, throttleFile) = (quota, file)
    }

    private mutating func limitMemory(_ text: String) {
        guard let bytes = Int(text), bytes > 0 else { return }
        memoryBytesMax = min(bytes, memoryBytesMax ?? bytes)
    }

    private static func text(_ path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
