import CLoad
import Foundation
import Proactor

/// One operation of the library, measured in this process.
struct MicroBenchmark {
    /// What a figure has to reach.
    enum Bar: Sendable, Codable, Equatable {
        case none
        case atLeast(Double)
        case atMost(Double)

        func isMet(by value: Double) -> Bool {
            switch self {
            case .none: true
            case .atLeast(let bar): value >= bar
            case .atMost(let bar): value <= bar
            }
        }

        var text: String {
            switch self {
            case .none: ""
            case .atLeast(let bar): "≥ \(bar.formatted())"
            case .atMost(let bar): "≤ \(bar.formatted())"
            }
        }
    }

    /// About how long all of them take, once each.
    static let secondsOfARound = 35.0

    var topic: Topic
    var name: String
    var loop: String
    var unit: String
    var decimals = 2
    var bar = Bar.none
    /// One round; its figure.
    var measure: () throws -> Double

    /// Measures each of `chosen` so many times, in turns, so that what changes on the machine from minute to minute falls
    /// on all of them.
    static func run(_ chosen: [MicroBenchmark], rounds: Int, progress: Progress) throws -> [MicroResult] {
        defer { progress.end() }
        var figures = [[Double]](repeating: [], count: chosen.count)
        for round in 1...rounds {
            for index in chosen.indices where !cload_was_interrupted() {
                progress.begin("micro-benchmarks, round \(round) of \(rounds)", chosen[index].name)
                figures[index].append(try chosen[index].measure())
            }
        }
        return zip(chosen, figures).filter { !$0.1.isEmpty }.map { benchmark, values in
            MicroResult(
                name: benchmark.name,
                loop: benchmark.loop,
                unit: benchmark.unit,
                decimals: benchmark.decimals,
                bar: benchmark.bar,
                values: values
            )
        }
    }

    /// Every benchmark, in the order of the table.
    static func catalog(_ sizes: MicroSizes = MicroSizes()) -> [MicroBenchmark] {
        sizes.loops.flatMap {
            scheduling(on: $0, sizes) + timers(on: $0, sizes) + posts(on: $0, sizes) + groups(on: $0, sizes)
        }
            + awaiting(sizes) + roundTrips(sizes) + spawning(sizes) + communicating(sizes)
            + sizes.loops.flatMap { allocations(on: $0, sizes) }
    }
}

/// Wall-clock seconds that `body` takes.
func secondsTaken(_ body: () throws -> Void) rethrows -> Double {
    let duration = try ContinuousClock().measure(body)
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}

/// Lends a loop that is closed afterwards.
func withLoop<Result>(_ kind: LoopKind, _ body: (BaseEventLoop) throws -> Result) throws -> Result {
    let loop = try kind.makeLoop()
    do {
        let result = try body(loop)
        try loop.close()
        return result
    } catch {
        try? loop.close()
        throw error
    }
}
