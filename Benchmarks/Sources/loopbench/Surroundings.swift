import Foundation
import Proactor

/// What was measured with what: the ring's features, and versions.
struct Surroundings: Sendable, Codable, Equatable {
    /// What the library's ring uses of what this kernel offers, or why there is none.
    var features: [String: String]
    var versions: [String: String]

    static func current(with contenders: [Contender]) -> Surroundings {
        var versions: [String: String] = [:]
        versions["Swift"] = firstLine(["swift", "--version"])
        versions["liburing"] = firstLine(["pkg-config", "--modversion", "liburing"])
        versions["swift-proactor"] = revision
        for contender in contenders {
            guard let command = contender.versionCommand else { continue }
            versions[contender.name] = firstLine(command)
        }
        return Surroundings(features: ringFeatures, versions: versions)
    }

    private static var ringFeatures: [String: String] {
        do {
            let loop = try ProactorEventLoop()
            defer { try? loop.close() }
            // They are complete once the loop has run.
            try loop.runUntilComplete {}
            var features: [String: String] = [:]
            for child in Mirror(reflecting: loop.features).children {
                features[child.label ?? "?"] = "\(child.value)"
            }
            return features
        } catch {
            return ["ring": "unavailable: \(error)"]
        }
    }

    private static var revision: String? {
        let program = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return firstLine([
            "git", "-C", program.deletingLastPathComponent().path, "describe", "--always", "--dirty",
        ])
    }

    private static func firstLine(_ command: [String]) -> String? {
        outputOfCommand(command)?.split(separator: "\n").first.map(String.init)
    }
}
