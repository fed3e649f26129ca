// The code of the pages MeasuringLoops.md and ProactorMetrics.md, which a test holds against it.
import Proactor
import ProactorMetrics

func measure(_ loop: any AbstractEventLoop) {
    loop.isMeasured = true
    // later, on the loop's thread:
    if let metrics = loop.metrics { print(metrics) }
}

nonisolated(nonsending) func report(_ loop: any AbstractEventLoop) async throws {
    for await _ in try loop.ticks(every: .seconds(1)) {
        guard let metrics = loop.takeMetrics() else { break }
        print("\(metrics.turns) turns, at most \(metrics.longestCallback) in a callback")
    }
}

func measure(_ group: EventLoopGroup) async throws -> [LoopMetrics?] {
    let metrics = try await group.runOnEach { loop in loop.metrics }
    return metrics
}

#if Metrics
    nonisolated(nonsending) func export(
        _ loop: any AbstractEventLoop,
        during work: nonisolated(nonsending) () async throws -> Void
    ) async throws {
        let exporter = try LoopMetricsExporter(of: loop, dimensions: [("loop", "0")])
        defer { exporter.stop() }
        try await work()
    }
#endif
