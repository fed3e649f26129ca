import CLoad
import Foundation
import Testing

@testable import loopbench

struct LoadTests {
    @Test func histogramKeepsValuesWithinAPercent() throws {
        let histogram = try #require(cload_histogram_create())
        defer { cload_histogram_destroy(histogram) }
        for value in 1...100_000 { cload_histogram_record(histogram, UInt64(value) * 1_000) }
        for fraction in [0.5, 0.9, 0.99, 0.999] {
            let found = Double(cload_histogram_value_at(histogram, fraction))
            let exact = fraction * 1e8
            #expect(found >= exact && found < exact * 1.02)
        }
        #expect(cload_histogram_max(histogram) == 100_000_000)
        #expect(cload_histogram_value_at(histogram, 1) == 100_000_000)
        #expect(cload_histogram_count(histogram) == 100_000)
    }

    /// A server that stops for 200 ms in a window of 600. In a closed loop one request of each connection sees it. In an
    /// open one, all see it that were due meanwhile: a third of them, and they wait 100 ms on average.
    @Test func openLoopChargesAStallToWhatWasDueMeanwhile() throws {
        let server = try StallingEcho(stall: .milliseconds(200), after: 250)
        let open = try drive("echo-64Bx2@1000", server, seconds: 0.6)
        let waited = try #require(open.latency)
        #expect(open.corruptions == 0 && open.errors == 0 && open.unanswered == 0)
        #expect((550...650).contains(open.scheduled))
        #expect(waited.p50Nanoseconds < 50_000_000)
        // Even without luck a quarter of them was due while the server stood.
        #expect(waited.p90Nanoseconds > 60_000_000)
        #expect(waited.maximumNanoseconds > 150_000_000)
    }

    @Test func closedLoopSeesAStallOnce() throws {
        let server = try StallingEcho(stall: .milliseconds(200), after: 250)
        let closed = try drive("echo-64Bx2", server, seconds: 0.6)
        let waited = try #require(closed.latency)
        #expect(closed.corruptions == 0 && closed.errors == 0 && closed.scheduled == 0)
        #expect(waited.p99Nanoseconds < 60_000_000)
        #expect(waited.maximumNanoseconds > 150_000_000)
    }

    @Test func whatNeverComesBackCountsWithItsAge() throws {
        let server = try StallingEcho(stall: .seconds(60), after: 100)
        let open = try drive("echo-64Bx1@1000", server, seconds: 0.3)
        // A hundred come back, before the window and in it; the others are a second old or more when they are given up.
        #expect(open.unanswered > 100)
        #expect(try #require(open.latency).p99Nanoseconds > 1_000_000_000)
    }

    @Test func foreignBytesAreCorruption() throws {
        let server = try StallingEcho(stall: .zero, after: 50, spoils: true)
        let measured = try drive("echo-64Bx1", server, seconds: 0.1)
        #expect(measured.corruptions == 1)
    }

    @Test(arguments: ["udp-64Bx4", "udp-pipelined-64Bx4x8"])
    func lostDatagramsAreSentAgainAndCounted(_ name: String) throws {
        let server = try LossyEcho()
        let measured = try LoadGenerator(warmUpSeconds: 0, windowSeconds: 0.3).measure(
            try #require(Workload(named: name)),
            contender: "lossy",
            round: 1,
            endpoint: .tcp(host: "127.0.0.1", port: server.port),
            processID: 0
        )
        #expect(measured.corruptions == 0 && measured.errors == 0)
        #expect(try #require(measured.resent) > 5)
        #expect(measured.requests > 50)
    }

    private func drive(_ name: String, _ server: StallingEcho, seconds: Double) throws
        -> loopbench.Measurement
    {
        try LoadGenerator(warmUpSeconds: 0, windowSeconds: seconds).measure(
            try #require(Workload(named: name)),
            contender: "stalling",
            round: 1,
            endpoint: .unix(path: server.path),
            processID: 0
        )
    }
}
