import ProactorTesting

/// Something that a simulation runs under any seed, and that must come to its end without a fault of the library's.
public struct Scenario: Sendable {
    /// Its name, for `make simulate`.
    public let name: String
    /// What may happen in it.
    public let faults: SimulationFaults
    /// Runs it, and throws what it finds wrong.
    public let run: @Sendable (Simulation) throws -> Void

    init(
        _ name: String,
        faults: SimulationFaults = .all,
        _ run: @escaping @Sendable (Simulation, Book) throws -> Void
    ) {
        self.name = name
        self.faults = faults
        self.run = { simulation in
            let book = Book()
            do {
                try run(simulation, book)
            } catch {
                // What was noted before says more than how it ended.
                try book.close(because: error)
                throw error
            }
            try book.close(because: nil)
        }
    }

    /// All of them.
    public static let all: [Scenario] = [
        standard, bulk, broken, buffered, unix, lines, datagrams, sockets, sockCalls, files, children, locks,
        stop, shortage,
        scarcity, tls, sendFile,
    ]
}

/// What a scenario found wrong.
struct ScenarioFailure: Error, CustomStringConvertible {
    let findings: [String]

    var description: String { findings.joined(separator: "\n") }
}

/// Takes note of what must not be. Used on the simulation's thread.
final class Book {
    private var findings: [String] = []
    /// What still has to happen, with how often it has.
    private var duties: [(what: String, isDone: () -> Bool)] = []
    private var forgiven: [String] = []

    /// Notes something that must not be.
    func complain(_ finding: String) {
        if findings.count < 10 { findings.append(finding) }
    }

    func expect(_ condition: Bool, _ finding: @autoclosure () -> String) {
        if !condition { complain(finding()) }
    }

    /// Something that has to be true in the end.
    func owe(_ what: String, _ isDone: @escaping () -> Bool) {
        duties.append((what, isDone))
    }

    /// Somebody has crashed, and does no more what he should.
    func forgive(_ name: String) {
        forgiven.append(name + " ")
    }

    func close(because error: (any Error)?) throws {
        for duty in duties where !forgiven.contains(where: duty.what.hasPrefix) && !duty.isDone() {
            complain("never: \(duty.what)")
        }
        duties = []
        guard !findings.isEmpty else { return }
        throw ScenarioFailure(findings: findings + (error.map { ["\($0)"] } ?? []))
    }
}
