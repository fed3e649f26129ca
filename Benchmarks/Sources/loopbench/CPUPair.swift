import CLoad
import Foundation

/// Where server and load run: never on the same CPU.
struct CPUPair: Sendable, Codable, Equatable {
    var server: Int
    var load: Int
    /// They are two threads of one core, and slow each other down.
    var sharesCore: Bool

    /// No two CPUs to tell the server's time from the load's.
    struct Refusal: Error, CustomStringConvertible {
        var cause: String

        var description: String {
            """
            Refusing to compare: \(cause). On one CPU the load generator would take its time from the server it drives, \
            by an amount that depends on the server, so that no figure would be the server's own. Give --server-cpu and \
            --load-cpu two different CPUs that this process may use.
            """
        }
    }

    /// The CPUs that were asked for, or else two that this process may use, of different cores where it can be.
    static func choose(
        server: Int? = nil,
        load: Int? = nil,
        allowed: [Int] = allowedCPUs,
        siblings: (Int) -> Set<Int> = siblings(of:)
    ) throws(Refusal) -> CPUPair {
        guard allowed.count >= 2 else {
            throw Refusal(cause: "this process may use one CPU only")
        }
        for asked in [server, load].compactMap({ $0 }) where !allowed.contains(asked) {
            throw Refusal(cause: "this process may not use CPU \(asked), only \(list(allowed))")
        }
        if let server, server == load {
            throw Refusal(cause: "server and load were both given CPU \(server)")
        }
        let server = server ?? allowed.first { $0 != load } ?? allowed[0]
        let others = allowed.filter { $0 != server }
        let load = load ?? others.first { !siblings(server).contains($0) } ?? others[0]
        return CPUPair(server: server, load: load, sharesCore: siblings(server).contains(load))
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
