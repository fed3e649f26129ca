import Testing

@testable import loopbench

/// What is not known is not shown as a figure.
struct FigureTests {
    /// What the kernel does not show is not nothing, and half of the connections are not half of the memory.
    @Test func memoryThatIsNotKnownIsNone() throws {
        let idle = try #require(Workload(named: "idle-1000"))
        var hidden = Samples.measurement("hidden")
        (hidden.memory.residentBeforeBytes, hidden.memory.residentAfterBytes) = (0, 0)
        let few = Samples.measurement("few", requests: 999)
        for measurement in [hidden, few] {
            #expect(Figure.resident.value(of: measurement, in: idle).isNaN)
        }
        let round = Round(index: 1, measurements: [hidden, few, Samples.measurement("open")])
        let result = WorkloadResult(workload: idle, rounds: [round])
        #expect(result.ranking(by: .resident) == ["open", "hidden", "few"])
        #expect(result.ratio(of: "open", to: "hidden", .resident).median.isNaN)
    }

    /// What one waits is what a flood is about; what it brings in is bytes. A report has both.
    @Test func aFloodHasLatencyAndBytes() throws {
        let flood = try #require(Workload(named: "flood-4"))
        let measured = Samples.measurement("one", requests: 1_000_000)
        #expect(Figure.all(for: flood).first == .p50)
        #expect(Figure.throughput.value(of: measured, in: flood) == 64)
        #expect(Figure.p50.value(of: measured, in: flood) == 400)
        let text = Samples.report([Samples.result("flood-4", [("one", [1_000_000])])]).text()
        #expect(text.contains("p50 µs") && text.contains("MB a second") && !text.contains("per second"))
    }

    /// A baseline whose memory shrank is none.
    @Test func ratiosToNothingOrLessAreNone() throws {
        let idle = try #require(Workload(named: "idle-1000"))
        var shrunk = Samples.measurement("shrunk")
        shrunk.memory.residentAfterBytes = shrunk.memory.residentBeforeBytes - 4_096
        let round = Round(index: 1, measurements: [shrunk, Samples.measurement("open")])
        let ratio = WorkloadResult(workload: idle, rounds: [round]).ratio(of: "open", to: "shrunk", .resident)
        #expect(ratio.count == 0 && !ratio.isApartFromOne)
    }

    @Test func whatCannotBeSeenIsSaid() {
        #expect(
            Machine.blindSpots(countsCPUs: true, kernelConfiguration: "CONFIG_X=y", showsWaiting: true) == nil
        )
        var report = Samples.report([])
        report.machine.blindSpots = Machine.blindSpots(
            countsCPUs: false,
            kernelConfiguration: "",
            showsWaiting: false
        )
        report.machine.cpuQuota = 1.5
        for part in ["/proc/stat", "schedstat", "interrupts is not known", "the time of 1.5 CPUs"] {
            #expect(report.methodLine.contains(part))
        }
    }
}
