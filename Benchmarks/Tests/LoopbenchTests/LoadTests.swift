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

    /// The backlog of the listener is full after a few, and none of the others is waited for.
    @Test func aServerThatDoesNotAcceptIsGivenUp() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) | getsockname(listener, $0, &length)
            }
        }
        #expect(result == 0 && listen(listener, 1) == 0)
        let port = UInt16(bigEndian: address.sin_port)
        for name in ["echo-64Bx500", "idle-500"] {
            var generator = LoadGenerator(warmUpSeconds: 0, windowSeconds: 0.01)
            generator.patienceSeconds = 0.05
            let started = ContinuousClock.now
            let measured = try generator.measure(
                try #require(Workload(named: name)),
                contender: "deaf",
                round: 1,
                endpoint: .tcp(host: "127.0.0.1", port: port),
                processID: 0
            )
            #expect(measured.requests == 0 && measured.errors > 490)
            // One by one they would take 25 s.
            #expect(ContinuousClock.now - started < .seconds(15))
        }
    }

    /// The kernel's own count of a process that runs without a pause moves at its ticks only.
    @Test(.enabled(if: CPUPair.allowedCPUs.count >= 2, "one CPU cannot look at another"))
    func processorTimeIsThatOfTheMoment() async throws {
        let cpus = CPUPair.allowedCPUs
        let moves = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        cload_pin(Int32(cpus[1]))
                        let busy = try ChildProcess(
                            ["sh", "-c", "while :; do :; done"],
                            cpu: cpus[0],
                            announces: false
                        )
                        defer { _ = busy.stop(by: SIGKILL, within: 1) }
                        var (last, moves) = (UInt64(0), 0)
                        for _ in 0..<200 {
                            usleep(100)
                            let used = cload_cpu_ns(busy.processID, Int32(cpus[0]))
                            if used > last { moves += 1 }
                            last = used
                        }
                        return moves
                    }
                )
            }
        }
        // By ticks of 4 ms it would be a dozen; when others want that CPU too, it does not run all the time.
        #expect(moves > 50)
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
