import Foundation
import Proactor

/// Measures a loop, and prints a line each second of what it has done in it, until it closes.
func printMetrics(of loop: BaseEventLoop) throws {
    loop.isMeasured = true
    try printMetricsLater(of: loop)
}

private func printMetricsLater(of loop: BaseEventLoop) throws {
    try loop.callLater(.seconds(1)) {
        if let metrics = loop.takeMetrics() {
            FileHandle.standardOutput.write(Data("metrics: \(metricsLine(metrics))\n".utf8))
        }
        try printMetricsLater(of: loop)
    }
}

/// Rates, shares of the time, and what there is, in columns that stay where they are.
func metricsLine(_ metrics: LoopMetrics) -> String {
    let seconds = metrics.measuredTime / .seconds(1)
    func rate(_ count: Int) -> String { String(format: "%8.0f/s", seconds > 0 ? Double(count) / seconds : 0) }
    func share(_ time: Duration) -> String {
        String(format: "%3.0f %%", seconds > 0 ? 100 * (time / .seconds(1)) / seconds : 0)
    }
    func milliseconds(_ time: Duration) -> String { String(format: "%.3f ms", time / .milliseconds(1)) }
    return [
        "turns \(rate(metrics.turns))",
        "callbacks \(rate(metrics.callbacks))",
        "receives \(rate(metrics.completions.receives))",
        "completions \(rate(metrics.completions.total))",
        "poll \(share(metrics.timeInPoll))",
        "callbacks \(share(metrics.timeInCallbacks))",
        "submission \(share(metrics.timeSubmitting))",
        "longest callback \(milliseconds(metrics.longestCallback))",
        "timer lag \(milliseconds(metrics.longestTimerLag))",
        "transports \(metrics.openTransports)",
        "tasks \(metrics.unfinishedTasks)",
        "ready \(metrics.readyCallbacks + metrics.postedCallbacks)",
        "timers \(metrics.waitingTimers)",
        "operations \(metrics.operationsInFlight)",
        "buffers \(metrics.buffersLent)",
    ].joined(separator: ", ")
}
