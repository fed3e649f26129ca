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
        versions["OpenSSL"] = firstLine(["pkg-config", "--modversion", "openssl"])
        versions["swift-proactor"] = firstLine([
            "git", "-C", Program.packageFolder.path, "describe", "--always", "--dirty",
        ])
        versions["wrk"] = wrk
        if contenders.contains(where: { $0.name == "swift-nio" }) {
            versions["swift-nio"] = resolved("swift-nio")
            versions["swift-nio-ssl"] = resolved("swift-nio-ssl")
        }
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

    /// It says its version with its usage, and fails.
    private static var wrk: String? {
        let line = outputOfCommand(["wrk", "-v"], mayFail: true)?.split(separator: "\n").first
        return line.map { String($0.split(separator: " [").first ?? $0).replacing("wrk ", with: "") }
    }

    /// The version of a package that this one was built with.
    private static func resolved(_ identity: String) -> String? {
        struct Resolved: Decodable {
            struct Pin: Decodable {
                struct State: Decodable { var version: String? }
                var identity: String
                var state: State
            }
            var pins: [Pin]
        }
        let file = Program.packageFolder.appending(path: "Package.resolved")
        guard let data = try? Data(contentsOf: file),
            let resolved = try? JSONDecoder().decode(Resolved.self, from: data)
        else { return nil }
        return resolved.pins.first { $0.identity == identity }?.state.version
    }

    private static func firstLine(_ command: [String]) -> String? {
        outputOfCommand(command)?.split(separator: "\n").first.map(String.init)
    }
}
