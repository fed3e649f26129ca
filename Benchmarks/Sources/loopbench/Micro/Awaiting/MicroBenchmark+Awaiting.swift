extension MicroBenchmark {
    /// What tasks of one loop do with each other, beside the same by asyncio and by uvloop.
    static func awaiting(_ sizes: MicroSizes) -> [MicroBenchmark] {
        AwaitedOperation.allCases.flatMap { operation in
            TwinnedFigure(
                topic: .awaiting,
                name: operation.title,
                unit: "CPU ns each",
                decimals: 0,
                unitNanoseconds: 1,
                ratio: .speed(over: "uvloop", sizes.bar(.atLeast(operation.speedOverUvloop))),
                twins: Twin.installed.filter { $0.name != "go" },
                own: { try operation.nanoseconds(on: $0, steps: sizes.steps) },
                other: { try $0.nanoseconds(operation.rawValue, count: sizes.steps) }
            ).benchmarks(on: sizes.loops)
        }
    }
}
