import CLoad
import Foundation

/// Where a result comes from.
struct Machine: Sendable, Codable, Equatable {
    var kernel: String
    var processor: String
    var processorCount: Int
    var memoryBytes: UInt64
    /// TCP's congestion control: it paces large transfers, even over loopback, and so weighs on their figures.
    var congestionControl: String
    /// The kernel keeps the time of interrupts apart from that of the process that they interrupt. The network's work over
    /// loopback is then missing from the servers' CPU time.
    var accountsInterruptsApart: Bool
    /// What this machine does not let be found out, a sentence each; nil when there is nothing.
    var blindSpots: [String]?
    /// So many CPUs' time is all that a control group allows; nil without such a limit.
    var cpuQuota: Double?

    static var current: Machine {
        let configuration = kernelConfiguration
        return Machine(
            kernel: firstLine(of: "/proc/sys/kernel/osrelease"),
            processor: processorName,
            processorCount: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: ProcessInfo.processInfo.physicalMemory,
            congestionControl: firstLine(of: "/proc/sys/net/ipv4/tcp_congestion_control"),
            accountsInterruptsApart: configuration.contains("CONFIG_IRQ_TIME_ACCOUNTING=y"),
            blindSpots: blindSpots(
                countsCPUs: countsCPUs,
                kernelConfiguration: configuration,
                showsWaiting: FileManager.default.isReadableFile(atPath: "/proc/self/schedstat")
            ),
            cpuQuota: ControlGroup.current.cpuQuota
        )
    }

    static func blindSpots(
        countsCPUs: Bool,
        kernelConfiguration: String,
        showsWaiting: Bool
    ) -> [String]? {
        var found: [String] = []
        if !countsCPUs {
            found.append("what else runs on the CPUs is not seen, as /proc/stat cannot be read")
        }
        if !showsWaiting {
            found.append("whether the load had to wait is not seen, as there is no /proc/self/schedstat")
        }
        if kernelConfiguration.isEmpty {
            found.append(
                "whether CPU time contains the network's interrupts is not known, as the kernel's configuration cannot be read"
            )
        }
        return found.isEmpty ? nil : found
    }

    private static var countsCPUs: Bool {
        var (tasks, interrupts, steal) = (UInt64(0), UInt64(0), UInt64(0))
        cload_read_cpus(-1, -1, &tasks, &interrupts, &steal)
        return tasks > 0
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

    /// Empty when the system does not show it.
    private static var kernelConfiguration: String {
        let file = "/boot/config-\(firstLine(of: "/proc/sys/kernel/osrelease"))"
        if let text = try? String(contentsOfFile: file, encoding: .utf8) { return text }
        guard FileManager.default.fileExists(atPath: "/proc/config.gz") else { return "" }
        return outputOfCommand(["gzip", "-dc", "/proc/config.gz"]) ?? ""
    }

    private static func firstLine(of path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? "unknown"
        return text.split(separator: "\n").first.map(String.init) ?? "unknown"
    }
}

/// What a program prints, or nil when it cannot be run, or fails and must not.
func outputOfCommand(_ command: [String], mayFail: Bool = false) -> String? {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
    process.waitUntilExit()
    guard mayFail || process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self)
}
