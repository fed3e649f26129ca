import Proactor

extension MicroBenchmark {
    /// Much that goes to a child process and comes back, or only comes, in wall-clock time.
    static func communicating(_ sizes: MicroSizes) -> [MicroBenchmark] {
        let count = sizes.pipedBytes
        return PipedChild.allCases.flatMap { child in
            TwinnedFigure(
                topic: .communicating,
                name: "communicate \(byteCount(count))\(child.title)",
                unit: "ms",
                decimals: 1,
                unitNanoseconds: 1e6,
                ratio: .time(over: "asyncio", sizes.bar(.atMost(child.timeOverAsyncio))),
                twins: Twin.installed,
                own: { try child.nanoseconds(on: $0, byteCount: count) },
                other: { try $0.nanoseconds(child.rawValue, count: count) }
            ).benchmarks(on: sizes.loops)
        }
    }
}
