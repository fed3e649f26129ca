import Proactor
import Testing

@testable import loopbench

/// What `serve --metrics` prints.
struct ServeMetricsTests {
    @Test func itIsAskedForByAnOption() throws {
        #expect(try ServeCommand.parse(["echo", "--loop", "epoll", "--metrics"]).metrics)
        #expect(try !ServeCommand.parse(["echo", "--loop", "epoll"]).metrics)
    }

    @Test func nothingDoneIsALineToo() {
        let line = metricsLine(LoopMetrics())
        #expect(line.contains("turns        0/s") && line.contains("poll   0 %"))
        #expect(!line.contains("\n"))
    }

    @Test func aLineSaysWhatALoopDoes() throws {
        let loop = try SelectorEventLoop()
        loop.isMeasured = true
        let timer = try loop.callLater(.seconds(3600)) {}
        try loop.callSoon { loop.stop() }
        try loop.runForever()
        let line = metricsLine(try #require(loop.takeMetrics()))
        #expect(
            line.contains("timers 1") && line.contains("longest callback 0.")
                && !line.contains("turns        0/s")
        )
        timer.cancel()
        try loop.close()
    }
}
