import CMicro
import Proactor

extension MicroBenchmark {
    private static let program = "/bin/true"
    private static let rounds = 4

    /// Child processes that do nothing: what starting one and waiting for it costs, against the same in C.
    static func spawning(_ sizes: MicroSizes) -> [MicroBenchmark] {
        let count = sizes.children
        let bar = sizes.bar(.atMost(1.2))
        var all = [
            MicroBenchmark(topic: .children, name: "spawn and wait, C", loop: "-", unit: "CPU µs each") {
                try inC(count).own / Double(count)
            },
            MicroBenchmark(
                topic: .children,
                name: "the same and its child, C",
                loop: "-",
                unit: "CPU µs each"
            ) {
                try inC(count).total / Double(count)
            },
        ]
        for kind in sizes.loops {
            all += [
                spawning("spawn and wait, over C's", kind, count, pipes: false, bar: bar) { $0.own / $1.own },
                spawning("the same and its child, over C's", kind, count, pipes: false, bar: bar) {
                    $0.total / $1.total
                },
                spawning("spawn with three pipes, over C's without", kind, count, pipes: true, bar: .none) {
                    $0.own / $1.own
                },
            ]
        }
        return all
    }

    /// What a number of children cost: this thread, and this thread with the children, in microseconds.
    private struct Cost {
        var own = 0.0
        var total = 0.0
    }

    /// Both in turns, so that what the machine does besides falls on both.
    private static func spawning(
        _ name: String,
        _ kind: LoopKind,
        _ count: Int,
        pipes: Bool,
        bar: Bar,
        _ ratio: @escaping (Cost, Cost) -> Double
    ) -> MicroBenchmark {
        MicroBenchmark(topic: .children, name: name, loop: kind.rawValue, unit: "×", bar: bar) {
            var (loop, bare) = (Cost(), Cost())
            for _ in 0..<rounds {
                let (one, other) = (try onLoop(kind, count, pipes: pipes), try inC(count))
                loop = Cost(own: loop.own + one.own, total: loop.total + one.total)
                bare = Cost(own: bare.own + other.own, total: bare.total + other.total)
            }
            return ratio(loop, bare)
        }
    }

    private static func inC(_ count: Int) throws -> Cost {
        try measuring {
            guard cmicro_spawn_and_wait(program, UInt32(count)) else {
                throw DemoProblem("\(program) could not be started, or failed")
            }
        }
    }

    private static func onLoop(_ kind: LoopKind, _ count: Int, pipes: Bool) throws -> Cost {
        try withLoop(kind) { loop in
            var options = ProcessOptions()
            if !pipes {
                options.standardInput = .inherited
                options.standardOutput = .inherited
                options.standardError = .inherited
            }
            let chosen = options
            try loop.runUntilComplete { try await spawn(1, on: loop, chosen) }
            return try measuring {
                try loop.runUntilComplete { try await spawn(count, on: loop, chosen) }
            }
        }
    }

    private nonisolated(nonsending) static func spawn(
        _ count: Int,
        on loop: BaseEventLoop,
        _ options: ProcessOptions
    ) async throws {
        for _ in 0..<count {
            let (child, _) = try await loop.subprocessExec(program, arguments: [], options: options) {
                Unheard()
            }
            guard try await child.wait() == 0 else { throw DemoProblem("\(program) failed") }
        }
    }

    private static func measuring(_ body: () throws -> Void) rethrows -> Cost {
        let (own, children) = (cmicro_thread_cpu_ns(), cmicro_children_cpu_ns())
        try body()
        let spent = Double(cmicro_thread_cpu_ns() - own) / 1_000
        return Cost(own: spent, total: spent + Double(cmicro_children_cpu_ns() - children) / 1_000)
    }

    private final class Unheard: SubprocessProtocol {}
}
