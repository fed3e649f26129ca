import Glibc
import ProactorScenarios
import ProactorTesting

/// Runs scenarios under many seeds: `simulate [--seeds N] [--seconds S] [--first SEED] [--only NAME] [--processors N]`, shows
/// what happens under one, `--show SEED`, or measures, `--measure WORKLOAD`, `all` of them or one.
struct Options {
    var seeds: UInt64 = 10_000
    /// Whether so many seeds were asked for.
    var hasSeeds = false
    var seconds: Double?
    var first: UInt64 = 0
    var only: String?
    var processors: Int?
    /// The seed whose trace is shown, in place of running many.
    var shown: UInt64?
    /// The workload that is measured instead.
    var measured: String?

    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            let value = rest.popFirst() ?? ""
            switch option {
            case "--seeds":
                seeds = Self.number(value, option)
                hasSeeds = true
            case "--seconds": seconds = Double(Self.number(value, option))
            case "--first": first = Self.number(value, option)
            case "--only": only = value
            case "--processors": processors = Int(Self.number(value, option))
            case "--show": shown = Self.number(value, option)
            case "--measure": measured = value
            default:
                Self.fail(
                    "there is no option \(option): --seeds, --seconds, --first, --only, --processors, --show, --measure"
                )
            }
        }
    }

    private static func number(_ text: String, _ option: String) -> UInt64 {
        guard let number = UInt64(text) else { fail("\(option) wants a whole number, not '\(text)'") }
        return number
    }

    static func fail(_ message: String) -> Never {
        print("simulate: \(message)")
        exit(2)
    }
}

/// Prints what happens in a scenario under a seed.
func show(_ scenario: Scenario, _ seed: UInt64) {
    for face in SimulatedFace.allCases {
        let simulation = Simulation(seed: seed, faults: scenario.faults, face: face)
        do { try scenario.run(simulation) } catch { print(error) }
        print(simulation.trace)
        let trace = simulation.trace
        print("\(scenario.name), \(face): \(trace.eventCount) events, fingerprint \(trace.fingerprint)")
    }
}

/// Prints what a workload takes of a processor.
func measure(_ workload: Workload) throws {
    for face in SimulatedFace.allCases {
        let begin = clock()
        let count = try workload.run(face)
        let seconds = Double(clock() - begin) / Double(CLOCKS_PER_SEC)
        let pace = Int(Double(count) / max(seconds, 1e-9))
        print(
            "\(workload.name), \(face): \(count) \(workload.unit), \(Int(seconds * 1_000)) ms of a processor, \(pace) a second"
        )
        fflush(nil)
    }
}

let options = Options(Array(CommandLine.arguments.dropFirst()))
if let name = options.measured {
    let workloads = Workload.all.filter { name == "all" || $0.name == name }
    if workloads.isEmpty { Options.fail("there is no workload '\(name)'") }
    for workload in workloads { try measure(workload) }
    exit(0)
}
let chosen = Scenario.all.filter { options.only == nil || $0.name == options.only }
if chosen.isEmpty { Options.fail("there is no scenario '\(options.only ?? "")'") }
if let seed = options.shown {
    for scenario in chosen { show(scenario, seed) }
    exit(0)
}
/// How far a scenario has come.
struct Progress {
    let scenario: Scenario
    var next = options.first
    var time = Duration.zero
    var isOver = false

    /// Seeds at a time: small enough for the other scenarios to have their turn soon.
    static let batch: UInt64 = 32

    mutating func advance(_ limit: Duration?) throws(ExplorationFailure) {
        let begin = ContinuousClock.now
        let end = options.seconds == nil || options.hasSeeds ? options.first &+ options.seeds : .max
        let last = min(next &+ Self.batch, end)
        try Simulation.explore(
            seeds: next..<last,
            faults: scenario.faults,
            processors: options.processors,
            scenario: scenario.run
        )
        next = last
        time += ContinuousClock.now - begin
        isOver = next == end || limit.map { time >= $0 } ?? false
    }

    var description: String {
        let count = next - options.first
        let pace = Double(count) / max(time / .seconds(1), 1e-9)
        return
            "\(scenario.name): \(count) seeds from \(options.first) on, none failing, \(Int(pace)) a second"
    }
}

var all = chosen.map { Progress(scenario: $0) }
let share = options.seconds.map { Duration.seconds($0 / Double(all.count)) }
while all.contains(where: { !$0.isOver }) {
    for index in all.indices where !all[index].isOver {
        do {
            try all[index].advance(share)
        } catch {
            print("scenario \(all[index].scenario.name):\n\(error)")
            exit(1)
        }
        if all[index].isOver {
            print(all[index].description)
            fflush(nil)
        }
    }
}
print("\(all.reduce(0) { $0 + $1.next - options.first }) schedules, none failing")
