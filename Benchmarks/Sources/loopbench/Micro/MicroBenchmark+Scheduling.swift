import CMicro
import Proactor

extension MicroBenchmark {
    static func scheduling(on kind: LoopKind, _ sizes: MicroSizes) -> [MicroBenchmark] {
        [
            ("callSoon, chained", 1, sizes.callbacks),
            ("callSoon, \(shown(Double(sizes.burst), 0)) at a time", sizes.burst, 5 * sizes.callbacks),
        ].map { name, burst, count in
            MicroBenchmark(
                topic: .callbacks,
                name: name,
                loop: kind.rawValue,
                unit: "million/s",
                bar: sizes.bar(.atLeast(20))
            ) {
                try withLoop(kind) { loop in
                    try CallbackChain(on: loop, count: count / 10, burst: burst).run()
                    let chain = CallbackChain(on: loop, count: count, burst: burst)
                    return Double(count) / (try secondsTaken { try chain.run() }) / 1e6
                }
            }
        }
    }

    static func timers(on kind: LoopKind, _ sizes: MicroSizes) -> [MicroBenchmark] {
        let (standing, fired) = (sizes.standingTimers, sizes.timers)
        return [
            MicroBenchmark(
                topic: .cancelledTimers,
                name: "timer, schedule and cancel",
                loop: kind.rawValue,
                unit: "million/s",
                bar: sizes.bar(.atLeast(10))
            ) { try scheduleAndCancel(sizes.cancelledTimers, on: kind, standing: 0) },
            MicroBenchmark(
                topic: .cancelledTimers,
                name: "timer, schedule and cancel, \(shown(Double(standing), 0)) standing",
                loop: kind.rawValue,
                unit: "million/s"
            ) {
                try scheduleAndCancel(sizes.cancelledTimers, on: kind, standing: standing)
            },
            MicroBenchmark(
                topic: .firedTimers,
                name: "timer, schedule and fire \(shown(Double(fired), 0))",
                loop: kind.rawValue,
                unit: "CPU µs each",
                decimals: 3,
                bar: sizes.bar(.atMost(0.2))
            ) { try scheduleAndFire(on: kind, count: fired) },
        ]
    }

    private static func scheduleAndCancel(
        _ count: Int,
        on kind: LoopKind,
        standing: Int
    ) throws -> Double {
        try withLoop(kind) { loop in
            let nothing: () throws -> Void = {}
            var seconds = 0.0
            try loop.callSoon {
                for index in 0..<standing { try loop.callLater(.seconds(3_600 + index % 977), nothing) }
                seconds = try secondsTaken {
                    for _ in 0..<count { try loop.callLater(.seconds(5), nothing).cancel() }
                }
                loop.stop()
            }
            try loop.runForever()
            return Double(count) / seconds / 1e6
        }
    }

    /// All are scheduled before the first is due, at instants in no order within 10 ms.
    private static func scheduleAndFire(on kind: LoopKind, count: Int) throws -> Double {
        try withLoop(kind) { loop in
            let countdown = Countdown(count) { loop.stop() }
            let fire: () throws -> Void = { countdown.step() }
            try loop.callSoon {
                var state: UInt64 = 88_172_645_463_325_252
                for _ in 0..<count {
                    state ^= state << 13
                    state ^= state >> 7
                    state ^= state << 17
                    try loop.callLater(.nanoseconds(50_000_000 + Int64(state % 10_000_000)), fire)
                }
            }
            let before = cmicro_thread_cpu_ns()
            try loop.runForever()
            return Double(cmicro_thread_cpu_ns() - before) / Double(count) / 1_000
        }
    }
}
