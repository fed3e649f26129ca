import Foundation

/// Where a result comes from.
struct Machine: Sendable, Codable {
    var kernel: String
    var processor: String
    var processorCount: Int
    var memoryBytes: UInt64
    /// TCP's congestion control: it paces large transfers, even over loopback, and so weighs on their figures.
    var congestionControl: String

    static var current: Machine {
        Machine(
            kernel: firstLine(of: "/proc/sys/kernel/osrelease"),
            processor: processorName,
            processorCount: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: ProcessInfo.processInfo.physicalMemory,
            congestionControl: firstLine(of: "/proc/sys/net/ipv4/tcp_congestion_control")
        )
    }

    var line: String {
        "\(processor), \(processorCount) CPUs, Linux \(kernel), TCP congestion control \(congestionControl)"
    }

    private static var processorName: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.split(separator: ":", maxSplits: 1).last ?? "unknown processor"
        return name.trimmingCharacters(in: .whitespaces)
    }

    private static func firstLine(of path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? "unknown"
        return text.split(separator: "\n").first.map(String.init) ?? "unknown"
    }
}
