// Built, and run, with the trait Metrics only.
#if Metrics
    import CoreMetrics
    import MetricsTestKit
    import Proactor
    import ProactorMetrics
    import Testing

    @Suite struct LoopMetricsExporterTests {
        private func value(of counter: String, _ metrics: TestMetrics, _ dimensions: [(String, String)])
            throws -> Int64
        {
            try metrics.expectCounter("web." + counter, dimensions).values.reduce(0, +)
        }

        @Test(arguments: LoopKind.allCases)
        func eachIntervalIsToldOnce(kind: LoopKind) async throws {
            try await kind.withFaultyLoop { loop, backend in
                backend.stopClock()
                let metrics = TestMetrics()
                let dimensions = [("loop", "7")]
                let exporter = try LoopMetricsExporter(
                    of: loop,
                    label: "web",
                    dimensions: dimensions,
                    interval: .seconds(5),
                    factory: metrics
                )
                #expect(loop.isMeasured)
                var longest: [Int64] = []
                for milliseconds in [30, 20] {
                    try loop.callSoon { backend.advanceClock(by: .milliseconds(milliseconds)) }
                    try loop.turn()
                    backend.advanceClock(by: .seconds(5))
                    try loop.settle(turns: 3)
                    longest.append(Int64(milliseconds) * 1_000_000)
                }
                let timer = try metrics.expectTimer("web.callback.longest", dimensions)
                #expect(timer.values == longest)
                #expect(try value(of: "callbacks.nanoseconds", metrics, dimensions) == 50_000_000)
                #expect(try value(of: "timers", metrics, dimensions) >= 1)
                #expect(try metrics.expectGauge("web.transports", dimensions).lastValue == 0)
                let accepts = dimensions + [("kind", "accept")]
                #expect(try metrics.expectCounter("web.completions", accepts).values.reduce(0, +) == 0)
                // The rest is told at the end, and nothing after it.
                try loop.callSoon {}
                try loop.turn()
                exporter.stop()
                exporter.stop()
                #expect(!loop.isMeasured && timer.values.count == 3)
                exporter.export()
                backend.advanceClock(by: .seconds(50))
                try loop.settle()
                #expect(timer.values.count == 3)
            }
        }

        @Test(arguments: LoopKind.allCases)
        func aLoopThatClosesEndsIt(kind: LoopKind) async throws {
            try await kind.withLoop { loop in
                _ = try LoopMetricsExporter(of: loop, factory: TestMetrics())
                try loop.settle()
            }
        }

        @Test(arguments: LoopKind.allCases)
        func anIntervalIsAboveZero(kind: LoopKind) async throws {
            try await kind.withLoop { loop in
                #expect(throws: EventLoopError.self) {
                    try LoopMetricsExporter(of: loop, interval: .zero, factory: TestMetrics())
                }
                #expect(!loop.isMeasured)
            }
        }
    }
#endif
