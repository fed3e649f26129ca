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
        let open = try server.drive("echo-64Bx2@1000", seconds: 0.6)
        let waited = try #require(open.latency)
        #expect(open.corruptions == 0 && open.errors == 0 && open.unanswered == 0)
        // One that was due before the window may come back in it, and the last of it after it.
        #expect(open.scheduled == 600 && (599...601).contains(open.requests))
        #expect(waited.p50Nanoseconds < 1_000_000)
        // The slowest tenth were due in the first 60 ms of the stall, the slowest quarter in the first 150.
        #expect((135_000_000...155_000_000).contains(waited.p90Nanoseconds))
        #expect((45_000_000...65_000_000).contains(try latency(waited, at: 0.75)))
        #expect((199_000_000...205_000_000).contains(waited.maximumNanoseconds))
    }

    /// A stall that outlasts the window: what was due in it comes back after it, and counts.
    @Test func whatComesBackAfterTheWindowCounts() throws {
        let server = try StallingEcho(stall: .milliseconds(300), after: 100)
        let open = try server.drive("echo-64Bx2@1000", seconds: 0.3)
        let waited = try #require(open.latency)
        #expect(open.scheduled == 300 && open.unanswered == 0 && (98...101).contains(open.requests))
        // A hundred at once, two hundred after 100 to 300 ms.
        #expect((145_000_000...160_000_000).contains(waited.p50Nanoseconds))
        #expect((299_000_000...305_000_000).contains(waited.maximumNanoseconds))
    }

    @Test func closedLoopSeesAStallOnce() throws {
        let server = try StallingEcho(stall: .milliseconds(200), after: 250)
        let closed = try server.drive("echo-64Bx2", seconds: 0.6)
        let waited = try #require(closed.latency)
        #expect(closed.corruptions == 0 && closed.errors == 0 && closed.scheduled == 0)
        // Two of them all.
        #expect(closed.requests > 2_000)
        #expect(waited.p999Nanoseconds.map { $0 < 1_000_000 } == true)
        #expect((199_000_000...205_000_000).contains(waited.maximumNanoseconds))
    }

    @Test func whatNeverComesBackCountsWithItsAge() throws {
        let server = try StallingEcho(stall: .seconds(60), after: 100)
        let open = try server.drive("echo-64Bx1@1000", seconds: 0.3)
        // 99 come back, of which the first was due before the window; the others are a second old or more when they are
        // given up.
        #expect(open.scheduled == 300 && open.unanswered == 202)
        let waited = try #require(open.latency)
        #expect(waited.p50Nanoseconds > 1_000_000_000)
        #expect((1_190_000_000...1_230_000_000).contains(waited.maximumNanoseconds))
    }

    /// Whoever leaves early has done nothing in the rest of the time, and is not the faster for it.
    @Test func aServerThatEndsItsConnectionsIsMeasuredToTheEnd() throws {
        let closed = try StallingEcho(after: 100, ends: true).drive("echo-64Bx2", seconds: 0.3)
        #expect(closed.errors == 2 && closed.corruptions == 0)
        #expect((95...99).contains(closed.requests))
        #expect((300_000_000...301_000_000).contains(closed.windowNanoseconds))
    }

    /// And all that was due after it left was waited for in vain.
    @Test func anOpenLoopGoesOnWithoutConnections() throws {
        let open = try StallingEcho(after: 100, ends: true).drive("echo-64Bx2@1000", seconds: 0.3)
        #expect(open.errors == 2 && open.scheduled == 300)
        #expect((200...203).contains(open.unanswered))
        let waited = try #require(open.latency)
        #expect(waited.p50Nanoseconds > 1_000_000_000)
    }

    /// No answer at all is no latency, and not one of nothing.
    @Test func whoAnswersNothingHasNoLatency() throws {
        let workload = try #require(Workload(named: "echo-64Bx2"))
        let silent = try StallingEcho(stall: .seconds(60), after: 1).drive(workload.name, seconds: 0.1)
        #expect(silent.requests == 0 && silent.errors == 0 && silent.latency == nil)
        let slow = Samples.measurement("slow")
        let result = WorkloadResult(
            workload: workload,
            rounds: [Round(index: 1, measurements: [silent, slow])]
        )
        for figure in Figure.all(for: workload) where figure != .throughput {
            #expect(result.ranking(by: figure) == ["slow", "simulated"])
        }
    }

    /// Of 60 values, 59 are less than 99 %.
    @Test(arguments: [
        (60, 0.99, 60), (60, 0.5, 30), (61, 0.5, 31), (1, 0, 1), (1, 0.5, 1), (100, 0.99, 99),
        (1_000, 0.999, 999), (1_000, 0.9999, 1_000), (10, 0.9, 9), (10, 0.91, 10), (100, 1, 100),
    ])
    func percentilesAreAtLeastThatMany(_ count: Int, _ fraction: Double, _ rank: Int) throws {
        let histogram = try #require(cload_histogram_create())
        defer { cload_histogram_destroy(histogram) }
        // Each twice, in buckets that are narrower than their distance.
        for value in 1...count {
            cload_histogram_record(histogram, UInt64(1.1 * pow(1.017, Double(value)) * 100))
        }
        let value = UInt64(1.1 * pow(1.017, Double(rank)) * 100)
        let found = cload_histogram_value_at(histogram, fraction)
        #expect(found >= value && Double(found) < Double(value) * 1.016 + 1)
    }

    @Test func foreignBytesAreCorruption() throws {
        let measured = try StallingEcho(after: 50, spoils: true).drive("echo-64Bx1", seconds: 0.1)
        #expect(measured.corruptions == 1)
        #expect((47...49).contains(measured.requests))
    }

    @Test(arguments: ["udp-64Bx4", "udp-pipelined-64Bx4x8", "udp-plain-64Bx4x8"])
    func lostDatagramsAreSentAgainAndCounted(_ name: String) throws {
        let measured = try LossyEcho().drive(try #require(Workload(named: name)), seconds: 0.3)
        #expect(measured.corruptions == 0 && measured.errors == 0)
        #expect(try #require(measured.resent) > 5)
        #expect(measured.requests > 50)
        // Whoever loses one is charged until it is there: the load waits for 20 ms before it sends again.
        #expect(try #require(measured.latency).maximumNanoseconds >= 20_000_000)
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
        for kind in [CLOAD_ECHO, CLOAD_IDLE] {
            let result = try "127.0.0.1".withCString { host in
                var configuration = cload_config()
                (configuration.host, configuration.port) = (host, port)
                (configuration.kind, configuration.connections, configuration.message_bytes) = (kind, 500, 64)
                (configuration.window_ns, configuration.patience_ns) = (10_000_000, 50_000_000)
                (configuration.server_cpu, configuration.load_cpu) = (-1, -1)
                let histogram = try #require(cload_histogram_create())
                defer { cload_histogram_destroy(histogram) }
                var result = cload_result()
                var step: UnsafePointer<CChar>?
                #expect(cload_run(&configuration, histogram, &result, &step) == 0)
                return result
            }
            #expect(result.requests == 0 && result.errors > 490)
            #expect(result.timeouts == 1)
        }
    }

    /// The kernel's own count of a process that runs without a pause moves at its ticks only.
    @Test(.enabled(if: CPUPair.allowedCPUs.count >= 2, "one CPU cannot look at another"))
    func processorTimeIsThatOfTheMoment() async throws {
        let cpus = CPUPair.allowedCPUs
        let looks = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        cload_pin(Int32(cpus[1]))
                        // Whoever goes on from here may start threads, which would have to run there too.
                        defer { cload_allow(cpus.map { Int32($0) }, Int32(cpus.count)) }
                        let busy = try ChildProcess(
                            ["sh", "-c", "while :; do :; done"],
                            cpu: cpus[0],
                            announces: false
                        )
                        defer { _ = busy.stop(by: SIGKILL, within: 1) }
                        return (0..<5).map { _ in Self.looks(at: busy.processID, on: Int32(cpus[0])) }
                    }
                )
            }
        }
        // Where others have that CPU for half of the time or more, the process does not run without a pause.
        for look in looks where look.share > 0.6 {
            // By ticks of 4 ms it would be a dozen.
            #expect(look.moves > 50)
        }
        // Each look after the first ones sees what was used in the meantime, whoever else runs.
        #expect(looks.allSatisfy { $0.share > 0 })
    }

    /// How often 200 looks or more at a process's time saw it move, and the part of the CPU that the process had meanwhile.
    private static func looks(at process: Int32, on cpu: Int32) -> (moves: Int, share: Double) {
        let (start, before) = (ContinuousClock.now, cload_cpu_ns(process, cpu))
        var (last, moves, count) = (before, 0, 0)
        // On a busy machine the process may have to wait for its turn for longer than that.
        while count < 200 || (moves == 0 && ContinuousClock.now - start < .seconds(30)) {
            usleep(100)
            let used = cload_cpu_ns(process, cpu)
            if used > last { moves += 1 }
            last = used
            count += 1
        }
        let elapsed = (ContinuousClock.now - start) / .nanoseconds(1)
        return (moves, Double(last - before) / elapsed)
    }

    private func latency(_ latency: loopbench.Measurement.Latency, at fraction: Double) throws -> UInt64 {
        let index = try #require(loopbench.Measurement.Latency.fractions.firstIndex(of: fraction))
        return latency.curve[index]
    }
}
