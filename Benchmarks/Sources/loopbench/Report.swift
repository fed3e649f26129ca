import Foundation

/// A whole run: what was measured, where, and how.
struct Report: Sendable, Codable {
    var date: Date
    var machine: Machine
    var baseline: String
    var rounds: Int
    var windowSeconds: Double
    var results: [WorkloadResult]

    /// As JSON, for scripts and for comparing runs.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(self)
    }
}
