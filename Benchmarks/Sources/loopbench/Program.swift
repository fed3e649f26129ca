import Foundation

/// Where programs are.
enum Program {
    /// The file that `name` means: a path, or a program that PATH leads to.
    static func find(_ name: String) -> String? {
        let manager = FileManager.default
        guard !name.contains("/") else { return manager.fileExists(atPath: name) ? name : nil }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first(where: manager.isExecutableFile)
    }

    /// Benchmarks/, as it was when this was built.
    static var packageFolder: URL {
        URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL
    }

    /// A program that was built beside this one.
    static func sibling(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: own).deletingLastPathComponent().appending(path: name).path
    }
}
